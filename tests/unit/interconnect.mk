# SPDX-License-Identifier: Apache-2.0
$(eval $(call test,test_udp,tests/unit,test_udp.c,tun base,$(BASE_LIBS)))
$(eval $(call test,test_ecn,tests/unit,test_ecn.c,tun base,$(BASE_LIBS)))
$(eval $(call test,test_tun_inner,tests/unit,test_tun_inner.c,tun base,$(BASE_LIBS)))
$(eval $(call test,test_tun_conf,tests/unit,test_tun_conf.c,ix tun gso ike esp base,$(BASE_LIBS)))
$(eval $(call test,test_tun,tests/unit,test_tun.c,tun gso ike esp base,$(BASE_LIBS)))
$(eval $(call test,test_path,tests/unit,test_path.c,tun gso ike esp base,$(BASE_LIBS)))
$(eval $(call test,test_relay,tests/unit,test_relay.c,ix base,$(BASE_LIBS)))
$(eval $(call fuzz,fuzz_tun_inner,tests/fuzz,fuzz_tun_inner.c,tun base,$(BASE_LIBS)))
$(eval $(call test,test_keylog,tests/unit,test_keylog.c,tun gso ike esp base,$(BASE_LIBS)))

# The library holds mangle*.c in debug builds only; their test always does.
$(eval $(call test,test_mangle,tests/unit,test_mangle.c,tun base,$(call libfiles,tun base) $(BASE_LIBS)))
MANGLE_OBJS = $(B)/obj/tests/unit/test_mangle.o \
	$(if $(DEBUG),,$(B)/obj/interconnect/mangle.o $(B)/obj/interconnect/mangle_box.o)
$(MANGLE_OBJS): CPPFLAGS = -I. -DCW_DEBUG
$(B)/test/test_mangle: $(MANGLE_OBJS)
OBJS += $(MANGLE_OBJS)
$(eval $(call test,test_uplink,tests/unit,test_uplink.c,tun gso ike esp base,$(BASE_LIBS)))
$(eval $(call test,test_gauge,tests/unit,test_gauge.c,tun gso base,$(BASE_LIBS)))
$(eval $(call fuzz,fuzz_gauge_wire,tests/fuzz,fuzz_gauge_wire.c,tun gso base,$(BASE_LIBS)))
$(eval $(call test,test_rate,tests/unit,test_rate.c,ix base,$(BASE_LIBS)))

$(eval $(call test,test_keys_wire,tests/unit,test_keys_wire.c,tun gso ike esp base,$(BASE_LIBS)))
$(eval $(call test,test_keys,tests/unit,test_keys.c,tun gso ike esp base,$(BASE_LIBS)))
$(eval $(call test,test_signer,tests/unit,test_signer.c,tun gso ike esp base,$(BASE_LIBS)))
$(eval $(call fuzz,fuzz_keys_wire,tests/fuzz,fuzz_keys_wire.c,tun gso ike esp base,$(BASE_LIBS)))
