# SPDX-License-Identifier: Apache-2.0
migrate/xml.c_CFLAGS = $(shell pkg-config --cflags libxml-2.0)
$(eval $(call lib,own,migrate,own.c own_sig.c))
$(eval $(call lib,migrate,migrate,agent.c agent_cmd.c agent_conf.c agent_node.c chan.c child.c child_main.c cookie.c disk.c disk_hash.c \
	dom.c dom_rules.c dst.c dst_stream.c filter.c hold.c host_net.c job.c link.c offer.c park.c peer.c rpcmsg.c src.c src_back.c \
	src_create.c src_steps.c stream.c virt.c virt_migrate.c warrant.c work.c xml.c))
$(eval $(call prog,causeway-agent,migrate,agentd.c,migrate own line base,$(LIBVIRT) $(LIBNBD) $(LIBXML) $(LIBEVENT_HTTP) $(BASE_LIBS) -lpthread))
