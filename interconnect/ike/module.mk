# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,ike,interconnect/ike,ike.c ike_auth.c ike_cookie.c ike_csa.c ike_exch.c ike_frag.c ike_guard.c ike_id.c ike_keys.c ike_msg.c \
	ike_pld.c ike_prop.c ike_rules.c ike_sa.c ike_signer.c ike_sk.c ike_suite.c ike_task_auth.c ike_task_child.c \
	ike_task_create.c ike_task_info.c ike_task_init.c ike_task_mobike.c ike_task_natd.c ike_task_ppk.c ike_task_rekey.c \
	ike_ts.c ike_work.c))
