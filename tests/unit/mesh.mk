# SPDX-License-Identifier: Apache-2.0
$(eval $(call test,test_cli_cmd,tests/unit,test_cli_cmd.c,cli base,$(BASE_LIBS) $(SMARTCOLS)))
$(eval $(call test,test_cli_out,tests/unit,test_cli_out.c,cli base,$(BASE_LIBS) $(SMARTCOLS)))
$(eval $(call test,test_cli,tests/unit,test_cli.c,cli base,$(BASE_LIBS) $(SMARTCOLS)))
$(B)/test/test_cli: | $(B)/bin/causeway
