# SPDX-License-Identifier: Apache-2.0
TUN_DEBUG = $(if $(DEBUG),mangle.c mangle_box.c)
$(eval $(call lib,tun,interconnect,ecn.c keylog.c path.c path_sa.c path_timer.c tun.c tuns.c keys.c keys_conf.c keys_in.c keys_proc.c keys_wire.c keysd.c signer.c signer_ask.c signer_load.c tun_auth.c tun_check.c tun_conf.c \
	tun_inner.c tun_json.c tun_udp.c udp.c uplink.c $(TUN_DEBUG) \
	gauge.c gauge_wire.c tun_gauge.c \
	hello.c hello_wire.c path_probe.c plpmtu.c))
$(eval $(call lib,ix,interconnect,governor.c ix.c ix_cmd.c ix_conf.c ix_node.c rate.c relay.c tundev.c))
$(eval $(call prog,causeway-ix,interconnect,ixd.c,ix tun gso line ike esp base,$(LIBEVENT_HTTP) $(BASE_LIBS)))
