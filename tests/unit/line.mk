# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,lineworld,tests/lib,line_world.c))
LINE_TESTS = test_line test_line_hostile
LINE_LINK = $(LIBEVENT_HTTP) $(BASE_LIBS)
$(foreach t,$(LINE_TESTS),$(eval $(call test,$(t),tests/exchange,$(t).c,lineworld mesh line base,$(LINE_LINK))))
$(eval $(call fuzz,fuzz_line_msg,tests/fuzz,fuzz_line_msg.c,line base,$(LINE_LINK)))
$(eval $(call test,test_mesh_peer,tests/exchange,test_mesh_peer.c,$(MANAGER_LIBS),$(LINE_LINK)))
