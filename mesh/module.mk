# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,cli,mesh,cli_answer.c cli_brief.c cli_cmd.c cli_conn.c cli_daemon.c cli_end.c cli_help.c cli_http.c cli_manager.c cli_near.c \
	cli_opt.c cli_out.c cli_parse.c cli_progress.c cli_rpc.c cli_stop.c cli_table.c cli_text.c cli_url.c cli_wait.c))
$(eval $(call prog,causeway,mesh,cli.c,cli base,-lssl $(BASE_LIBS) $(SMARTCOLS)))
# One to a line, so that those who add files do not meet.
MESH_FILES = \
	api_event.c \
	api_extension.c \
	api_job.c \
	api_look.c \
	api_mesh.c \
	api_move.c \
	api_node.c \
	api_network.c \
	api_order.c \
	api_pair.c \
	api_profile.c \
	api_site.c \
	api_tunnel.c \
	look_metrics.c \
	look_nodes.c \
	look_openapi.c \
	mesh_api.c \
	mesh_calls.c \
	mesh_chain.c \
	mesh_conf.c \
	mesh_etag.c \
	mesh_event.c \
	mesh_ext.c \
	mesh_ext_job.c \
	mesh_ext_run.c \
	mesh_far.c \
	mesh_half.c \
	mesh_half_conf.c \
	mesh_half_run.c \
	mesh_half_show.c \
	mesh_help.c \
	mesh_http.c \
	mesh_invite.c \
	mesh_job.c \
	mesh_job_store.c \
	mesh_jobs.c \
	mesh_line.c \
	mesh_node.c \
	mesh_node_enrol.c \
	mesh_node_want.c \
	mesh_move.c \
	mesh_move_row.c \
	mesh_owner.c \
	mesh_pair.c \
	mesh_pair_dial.c \
	mesh_pair_serve.c \
	mesh_peer.c \
	mesh_proof.c \
	mesh_query.c \
	mesh_record.c \
	mesh_restart.c \
	mesh_site.c \
	mesh_store.c \
	mesh_svc.c \
	mesh_svc_end.c \
	mesh_svc_far.c \
	mesh_vm.c \
	mesh_words.c \

$(eval $(call lib,mesh,mesh,$(MESH_FILES)))
# What a whole manager links; tests of one, too.
MANAGER_LIBS = mesh own profiles line base
$(eval $(call prog,causewayd,mesh,managerd.c,$(MANAGER_LIBS),$(LIBEVENT_HTTP) $(BASE_LIBS)))
HELP_FILES = \
	help_conf.c \
	help_folder.c \
	help_netns.c \
	help_place.c \
	help_probe.c \
	help_proc.c \
	help_seg.c \
	help_sock.c \
	help_spec.c \
	help_tap.c \
	help_verb.c \
	help_wire.c \

$(eval $(call lib,help,mesh,$(HELP_FILES)))
$(eval $(call prog,causeway-helper,mesh,helperd.c,help netext base,$(BASE_LIBS)))
