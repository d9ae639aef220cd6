# SPDX-License-Identifier: Apache-2.0
$(eval $(call test,test_cli_cmd,tests/unit,test_cli_cmd.c,cli base,-lssl $(BASE_LIBS) $(SMARTCOLS)))
$(eval $(call test,test_cli_out,tests/unit,test_cli_out.c,cli base,-lssl $(BASE_LIBS) $(SMARTCOLS)))
$(eval $(call test,test_cli,tests/unit,test_cli.c,cli base,-lssl $(BASE_LIBS) $(SMARTCOLS)))
$(B)/test/test_cli: | $(B)/bin/causeway
$(eval $(call test,test_cli_answer,tests/unit,test_cli_answer.c,cli base,$(BASE_LIBS)))
$(eval $(call test,test_cli_manager,tests/unit,test_cli_manager.c,cli base,$(BASE_LIBS)))
$(B)/test/test_cli_manager: | $(B)/bin/causeway
$(eval $(call test,test_cli_site,tests/unit,test_cli_site.c,base,$(BASE_LIBS)))
$(B)/test/test_cli_site: | $(B)/bin/causeway $(B)/bin/causewayd
$(eval $(call test,test_cli_url,tests/unit,test_cli_url.c,cli base,-lssl $(BASE_LIBS)))
$(eval $(call fuzz,fuzz_cli_answer,tests/fuzz,fuzz_cli_answer.c,cli base,$(BASE_LIBS)))
MESH_TESTS = test_mesh_conf test_mesh_event test_mesh_query test_mesh_invite test_mesh_proof test_mesh_store test_mesh_words
$(foreach t,$(MESH_TESTS),$(eval $(call test,$(t),tests/unit,$(t).c,mesh base,$(BASE_LIBS))))
$(eval $(call test,test_mesh_chain,tests/unit,test_mesh_chain.c,mesh own base,$(SQLITE) $(JANSSON) $(LIBCRYPTO)))
$(eval $(call test,test_mesh_move,tests/unit,test_mesh_move.c,mesh own line base,$(LIBEVENT_HTTP) $(BASE_LIBS)))
$(eval $(call test,test_mesh_pair,tests/exchange,test_mesh_pair.c,mesh line base,$(LIBEVENT_HTTP) $(BASE_LIBS)))
$(eval $(call fuzz,fuzz_mesh_invite,tests/fuzz,fuzz_mesh_invite.c,mesh base,$(LIBCRYPTO)))
$(eval $(call test,test_mesh_job,tests/unit,test_mesh_job.c,mesh base,$(BASE_LIBS) -Xlinker --wrap=mesh_job_row_put \
	-Xlinker --wrap=mesh_job_point))
$(eval $(call test,test_mesh_help,tests/unit,test_mesh_help.c,mesh base,$(BASE_LIBS)))
HELP_TESTS = test_help_conf test_help_folder test_help_probe test_help_sock test_help_spec
$(foreach t,$(HELP_TESTS),$(eval $(call test,$(t),tests/unit,$(t).c,help netext base,$(BASE_LIBS))))
$(eval $(call fuzz,fuzz_mesh_query,tests/fuzz,fuzz_mesh_query.c,mesh base,$(JANSSON) $(LIBCRYPTO)))
$(eval $(call fuzz,fuzz_help_arp,tests/fuzz,fuzz_help_arp.c,help base,$(BASE_LIBS)))
$(eval $(call fuzz,fuzz_help_spec,tests/fuzz,fuzz_help_spec.c,help netext base,$(BASE_LIBS)))
$(eval $(call test,test_mesh_api,tests/exchange,test_mesh_api.c,$(MANAGER_LIBS),$(LIBEVENT_HTTP) $(BASE_LIBS)))
$(eval $(call test,test_look,tests/exchange,test_look.c,$(MANAGER_LIBS),$(LIBEVENT_HTTP) $(BASE_LIBS)))
$(eval $(call lib,halfworld,tests/lib,half_world.c))
HALF_TESTS = test_mesh_half test_mesh_ext
$(foreach t,$(HALF_TESTS),$(eval $(call test,$(t),tests/unit,$(t).c,halfworld $(MANAGER_LIBS),$(LIBEVENT_HTTP) $(BASE_LIBS))))
