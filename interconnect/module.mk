# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,base,interconnect/base,addr.c base.c clock.c conf.c crypt.c crypt_cbc.c crypt_cert.c crypt_crl.c crypt_dh.c crypt_issue.c crypt_key.c $(if $(IPSEC_MB),crypt_mb.c) \
	crypt_stream.c crypt_tls.c \
	daemon.c db.c err.c file.c hex.c json.c log.c loop.c mem.c nl.c nl_watch.c pump.c rand.c rpc.c sandbox.c stat.c $(if $(DEBUG),impair.c)))
-include interconnect/ike/module.mk interconnect/esp/module.mk interconnect/line/module.mk interconnect/gso.mk interconnect/ix.mk
