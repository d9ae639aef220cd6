# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,ikepair,tests/lib,ike_pair.c))
$(eval $(call test,test_ike_join,tests/exchange,test_ike_join.c,ikepair ike base,$(LIBCRYPTO)))
$(eval $(call test,test_ike_keys,tests/unit,test_ike_keys.c,ike base,$(LIBCRYPTO)))
$(eval $(call test,test_ike_golden,tests/unit,test_ike_golden.c,ike base,$(JANSSON) $(LIBCRYPTO)))
$(eval $(call test,test_ike_msg,tests/unit,test_ike_msg.c,ike base,$(LIBCRYPTO)))
$(eval $(call test,test_ike_prop,tests/unit,test_ike_prop.c,ike base,$(LIBCRYPTO)))
$(eval $(call test,test_ike_auth,tests/unit,test_ike_auth.c,ike base,$(LIBCRYPTO)))
