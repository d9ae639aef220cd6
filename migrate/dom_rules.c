/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom_rules.c - what may stand in the XML of a VM that moves. What the guest cannot see and the
 * target decides for itself is dropped; what is not here is refused.
 */
#include "migrate/dom.h"

#define DEV "domain/devices/"
#define ADDRESS "type domain bus slot function multifunction controller target unit port cssid ssid devno iobase irq slot base reg"

/* One device may have these below it. */
#define DEVICE(name) \
	{ DEV name "/address", ADDRESS, NULL, 0 }, \
	{ DEV name "/alias", NULL, NULL, XML_DROP }, \
	{ DEV name "/boot", "order loadparm", NULL, 0 }, \
	{ DEV name "/acpi", "index", NULL, 0 }

/* Serial ports and the like: where the bytes go is the target's business, except that a file stays a file. */
#define CHARDEV(name) \
	{ DEV name, "type", "tty", 0 }, \
	{ DEV name "/source", "path append", "channel", XML_ONE }, \
	{ DEV name "/protocol", "type", NULL, 0 }, \
	{ DEV name "/target", "type port name", "state", XML_ONE }, \
	{ DEV name "/target/model", "name", NULL, 0 }, \
	{ DEV name "/log", NULL, NULL, XML_DROP }, \
	DEVICE(name)

const struct xml_rule dom_rules[] = {
	{ "domain", "type", "id", 0 },
	{ "domain/name", NULL, NULL, XML_TEXT | XML_ONE },
	{ "domain/uuid", NULL, NULL, XML_TEXT | XML_ONE },
	{ "domain/genid", NULL, NULL, XML_TEXT },
	{ "domain/title", NULL, NULL, XML_TEXT },
	{ "domain/description", NULL, NULL, XML_TEXT },
	{ "domain/metadata", NULL, NULL, XML_DROP },
	{ "domain/resource", NULL, NULL, XML_DROP },
	{ "domain/seclabel", NULL, NULL, XML_DROP },
	{ "domain/memory", "unit", NULL, XML_TEXT | XML_ONE },
	{ "domain/currentMemory", "unit", NULL, XML_TEXT },
	{ "domain/vcpu", "placement current", "cpuset", XML_TEXT | XML_ONE },
	{ "domain/vcpus", NULL, NULL, 0 },
	{ "domain/vcpus/vcpu", "id enabled hotpluggable order", NULL, 0 },
	{ "domain/cputune", NULL, NULL, XML_DROP },
	{ "domain/blkiotune", NULL, NULL, XML_DROP },
	{ "domain/memtune", NULL, NULL, XML_DROP },
	{ "domain/numatune", NULL, NULL, XML_DROP },
	{ "domain/os", NULL, NULL, XML_ONE },
	{ "domain/os/type", "arch machine", NULL, XML_TEXT | XML_ONE },
	{ "domain/os/kernel", NULL, NULL, XML_TEXT | XML_ONE },
	{ "domain/os/initrd", NULL, NULL, XML_TEXT | XML_ONE },
	{ "domain/os/cmdline", NULL, NULL, XML_TEXT | XML_ONE },
	{ "domain/os/boot", "dev", NULL, 0 },
	{ "domain/os/bootmenu", "enable timeout", NULL, 0 },
	{ "domain/os/bios", "useserial rebootTimeout", NULL, 0 },
	{ "domain/os/smbios", "mode", NULL, 0 },
	{ "domain/features", NULL, NULL, 0 },
	{ "domain/features/acpi", NULL, NULL, 0 },
	{ "domain/features/apic", "eoi", NULL, 0 },
	{ "domain/features/pae", NULL, NULL, 0 },
	{ "domain/features/vmport", "state", NULL, 0 },
	{ "domain/features/pmu", "state", NULL, 0 },
	{ "domain/features/smm", "state", NULL, 0 },
	{ "domain/features/ioapic", "driver", NULL, 0 },
	{ "domain/features/kvm", NULL, NULL, 0 },
	{ "domain/features/kvm/hidden", "state", NULL, 0 },
	{ "domain/features/kvm/hint-dedicated", "state", NULL, 0 },
	{ "domain/features/kvm/poll-control", "state", NULL, 0 },
	{ "domain/features/hyperv", "mode", NULL, 0 },
	{ "domain/features/hyperv/relaxed", "state", NULL, 0 },
	{ "domain/features/hyperv/vapic", "state", NULL, 0 },
	{ "domain/features/hyperv/spinlocks", "state retries", NULL, 0 },
	{ "domain/features/hyperv/vpindex", "state", NULL, 0 },
	{ "domain/features/hyperv/runtime", "state", NULL, 0 },
	{ "domain/features/hyperv/synic", "state", NULL, 0 },
	{ "domain/features/hyperv/stimer", "state", NULL, 0 },
	{ "domain/features/hyperv/reset", "state", NULL, 0 },
	{ "domain/features/hyperv/frequencies", "state", NULL, 0 },
	{ "domain/features/tcg", NULL, NULL, 0 },
	{ "domain/features/tcg/tb-cache", "unit", NULL, XML_TEXT },
	{ "domain/cpu", "mode match check migratable", NULL, 0 },
	{ "domain/cpu/model", "fallback vendor_id", NULL, XML_TEXT },
	{ "domain/cpu/vendor", NULL, NULL, XML_TEXT },
	{ "domain/cpu/topology", "sockets dies cores threads", NULL, 0 },
	{ "domain/cpu/cache", "level mode", NULL, 0 },
	{ "domain/cpu/maxphysaddr", "mode bits", NULL, 0 },
	{ "domain/cpu/feature", "policy name", NULL, 0 },
	{ "domain/cpu/numa", NULL, NULL, 0 },
	{ "domain/cpu/numa/cell", "id cpus memory unit", NULL, 0 },
	{ "domain/clock", "offset adjustment basis timezone", NULL, 0 },
	{ "domain/clock/timer", "name tickpolicy present track mode", NULL, 0 },
	{ "domain/on_poweroff", NULL, NULL, XML_TEXT },
	{ "domain/on_reboot", NULL, NULL, XML_TEXT },
	{ "domain/on_crash", NULL, NULL, XML_TEXT },
	{ "domain/pm", NULL, NULL, 0 },
	{ "domain/pm/suspend-to-mem", "enabled", NULL, 0 },
	{ "domain/pm/suspend-to-disk", "enabled", NULL, 0 },
	{ "domain/devices", NULL, NULL, XML_ONE },
	{ DEV "emulator", NULL, NULL, XML_TEXT | XML_ONE },

	{ DEV "disk", "type device", "snapshot", 0 },
	{ DEV "disk/driver", "name type cache discard detect_zeroes queues queue_size packed rerror_policy error_policy",
	  "io iothread", XML_ONE },
	{ DEV "disk/source", "file", "index", XML_ONE },
	{ DEV "disk/source/seclabel", NULL, NULL, XML_DROP },
	{ DEV "disk/backingStore", NULL, NULL, XML_DROP },
	{ DEV "disk/iotune", NULL, NULL, XML_DROP },
	{ DEV "disk/target", "dev bus removable rotation_rate", "tray", XML_ONE },
	{ DEV "disk/serial", NULL, NULL, XML_TEXT },
	{ DEV "disk/wwn", NULL, NULL, XML_TEXT },
	{ DEV "disk/vendor", NULL, NULL, XML_TEXT },
	{ DEV "disk/product", NULL, NULL, XML_TEXT },
	{ DEV "disk/readonly", NULL, NULL, 0 },
	{ DEV "disk/blockio", "logical_block_size physical_block_size discard_granularity", NULL, 0 },
	{ DEV "disk/geometry", "cyls heads secs trans", NULL, 0 },
	DEVICE("disk"),

	{ DEV "controller", "type index model ports vectors maxGrants", NULL, 0 },
	{ DEV "controller/driver", "queues cmd_per_lun max_sectors packed", "iothread", 0 },
	{ DEV "controller/model", "name", NULL, 0 },
	{ DEV "controller/master", "startport", NULL, 0 },
	{ DEV "controller/target", "chassisNr chassis port busNr hotplug index", NULL, 0 },
	{ DEV "controller/target/node", NULL, NULL, XML_TEXT },
	{ DEV "controller/pcihole64", "unit", NULL, XML_TEXT },
	DEVICE("controller"),

	{ DEV "interface", "type", NULL, 0 },
	{ DEV "interface/mac", "address", "type check", XML_ONE },
	{ DEV "interface/source", "bridge", "network portid", XML_ONE },
	{ DEV "interface/target", NULL, NULL, XML_DROP },
	{ DEV "interface/model", "type", NULL, 0 },
	{ DEV "interface/driver", "name queues rx_queue_size tx_queue_size packed", "iommu", 0 },
	{ DEV "interface/driver/host", "csum gso tso4 tso6 ecn ufo mrg_rxbuf", NULL, 0 },
	{ DEV "interface/driver/guest", "csum tso4 tso6 ecn ufo", NULL, 0 },
	{ DEV "interface/link", "state", NULL, 0 },
	{ DEV "interface/mtu", "size", NULL, 0 },
	{ DEV "interface/rom", "bar enabled", NULL, 0 },
	{ DEV "interface/bandwidth", NULL, NULL, XML_DROP },
	DEVICE("interface"),

	CHARDEV("serial"),
	CHARDEV("console"),
	CHARDEV("parallel"),
	CHARDEV("channel"),

	{ DEV "input", "type bus", NULL, 0 },
	DEVICE("input"),
	{ DEV "graphics", "type autoport", "port listen passwd passwdValidTo keymap socket websocket sharePolicy", 0 },
	{ DEV "graphics/listen", NULL, NULL, XML_DROP },
	{ DEV "video", NULL, NULL, 0 },
	{ DEV "video/model", "type ram vram vram64 vgamem heads primary blob edid", NULL, 0 },
	{ DEV "video/model/resolution", "x y", NULL, 0 },
	DEVICE("video"),
	{ DEV "sound", "model", NULL, 0 },
	{ DEV "sound/codec", "type", NULL, 0 },
	DEVICE("sound"),
	{ DEV "audio", NULL, NULL, XML_DROP },
	{ DEV "watchdog", "model action", NULL, 0 },
	DEVICE("watchdog"),
	{ DEV "memballoon", "model autodeflate freePageReporting", NULL, 0 },
	{ DEV "memballoon/stats", "period", NULL, 0 },
	DEVICE("memballoon"),
	{ DEV "rng", "model", NULL, 0 },
	{ DEV "rng/rate", "bytes period", NULL, 0 },
	{ DEV "rng/backend", "model", NULL, XML_TEXT | XML_ONE },
	DEVICE("rng"),
	{ DEV "panic", "model", NULL, 0 },
	DEVICE("panic"),
};

const size_t dom_n_rules = CW_COUNT(dom_rules);
