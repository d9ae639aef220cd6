# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,cli,mesh,cli_cmd.c cli_out.c cli_rpc.c cli_wait.c))
$(eval $(call prog,causeway,mesh,cli.c,cli base,$(BASE_LIBS) $(SMARTCOLS)))
