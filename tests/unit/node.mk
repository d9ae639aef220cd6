# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,nodeworld,tests/lib,node_world.c))
NODE_TESTS = test_mesh_node
$(eval $(call test,test_api_tunnel,tests/exchange,test_api_tunnel.c,nodeworld $(MANAGER_LIBS),$(LIBEVENT_HTTP) $(BASE_LIBS)))
$(foreach t,$(NODE_TESTS),$(eval $(call test,$(t),tests/exchange,$(t).c,nodeworld mesh own line profiles base,$(LIBEVENT_HTTP) $(BASE_LIBS))))
$(eval $(call test,test_node_seed,tests/unit,test_node_seed.c,line base,$(LIBEVENT_HTTP) $(BASE_LIBS)))
$(eval $(call fuzz,fuzz_node_seed,tests/fuzz,fuzz_node_seed.c,line base,$(LIBEVENT_HTTP) $(BASE_LIBS)))
