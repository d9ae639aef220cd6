# SPDX-License-Identifier: Apache-2.0
$(eval $(call test,test_hello,tests/unit,test_hello.c,tun base,$(BASE_LIBS)))
$(eval $(call test,test_hello_wire,tests/unit,test_hello_wire.c,tun gso base,$(BASE_LIBS)))
$(eval $(call fuzz,fuzz_hello,tests/fuzz,fuzz_hello.c,tun gso base,$(BASE_LIBS)))
$(eval $(call test,test_plpmtu,tests/unit,test_plpmtu.c,tun base,$(BASE_LIBS)))
$(eval $(call test,test_path_probe,tests/unit,test_path_probe.c,tun gso ike esp base,$(BASE_LIBS)))
