# SPDX-License-Identifier: Apache-2.0
$(eval $(call test,test_crypt,tests/unit,test_crypt.c,base,$(LIBCRYPTO)))
$(eval $(call test,test_crypt_cert,tests/unit,test_crypt_cert.c,base,$(LIBCRYPTO)))
$(eval $(call test,test_wycheproof,tests/unit,test_wycheproof.c,base,$(JANSSON) $(LIBCRYPTO)))
$(eval $(call fuzz,fuzz_crypt_cert,tests/fuzz,fuzz_crypt_cert.c,base,$(LIBCRYPTO)))
$(eval $(call test,test_crypt_tls,tests/unit,test_crypt_tls.c,base,-lssl $(LIBCRYPTO)))
$(eval $(call test,test_crypt_stream,tests/unit,test_crypt_stream.c,base,-lssl $(LIBCRYPTO)))
$(eval $(call test,test_crypt_crl,tests/unit,test_crypt_crl.c,base,$(LIBCRYPTO)))
