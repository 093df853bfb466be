#pragma once

#include <functional>
#include <string>

#include "remediations/knowledge/network/packet_filter.hpp"
#include "remediations/machine/result.hpp"

namespace remediations {

/// Understands the output of "nft -j list ruleset" (libnftables-json(5)): the chains that
/// `connection` meets on its way out (hooks output and postrouting of the families ip and inet) and
/// those they jump to, named "<family> <table> <chain>". What is not understood becomes Match::maybe.
/// ErrorKind::invalid when it is no ruleset. The text of a rule is "handle <number>".
machine::Result<FilterChains> parse_nftables_ruleset(const std::string& json, const OutgoingConnection& connection);

}  // namespace remediations
