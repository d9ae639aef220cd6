#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# domain.sh NAME IP/LENGTH MAC DISK BRIDGE [GATEWAY]: the libvirt XML of a guest that runs the workload.
# DISK is the path of a qcow2 image as libvirt sees it. Environment: GUEST, the folder that build.sh filled; EMULATOR, for a
# machine without KVM, if it is not qemu-tcg.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 5 ] || { echo "usage: domain.sh NAME IP/LENGTH MAC DISK BRIDGE [GATEWAY]" >&2; exit 2; }
name=$1 ip=$2 mac=$3 disk=$4 bridge=$5 gateway=${6:-}
guest=$(cd "${GUEST:-$here/../../build/guest}" && pwd)
if [ "$(cut -d' ' -f1 "$guest/accel")" = kvm ]; then
	type=kvm emulator=/usr/bin/qemu-system-x86_64
else
	type=qemu emulator=${EMULATOR:-$here/qemu-tcg}
fi
sum=$(printf %s "$name" | sha256sum)
uuid=${sum:0:8}-${sum:8:4}-4${sum:13:3}-8${sum:17:3}-${sum:20:12}
cat <<XML
<domain type='$type'>
  <name>$name</name>
  <uuid>$uuid</uuid>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$guest/vmlinux</kernel>
    <initrd>$guest/guest.ird</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 mitigations=off no_timer_check tsc=reliable random.trust_cpu=on guest.name=$name guest.ip=$ip guest.gw=$gateway</cmdline>
  </os>
  <features>
    <acpi/>
  </features>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='forbid'>qemu64</model>
  </cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>$emulator</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='$disk'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='$mac'/>
      <source bridge='$bridge'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <serial type='file'>
      <source path='/var/log/libvirt/qemu/$name-console.log'/>
      <target port='0'/>
    </serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
XML
