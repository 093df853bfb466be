#pragma once

#include <functional>
#include <string>

#include "remediations/knowledge/network/packet_filter.hpp"
#include "remediations/machine/result.hpp"

namespace remediations {

/// Parses the output of "nft -j list ruleset" (libnftables-json(5)): the chains that `connection` meets on its way out
/// (hooks output and postrouting of the families ip and inet) and the chains that they jump to, named "<family> <table>
/// <chain>". A condition that is not understood becomes Match::maybe. ErrorKind::invalid where the text is not a
/// ruleset. The text of a rule is "handle <number>".
machine::Result<FilterChains> parse_nftables_ruleset(const std::string& json, const OutgoingConnection& connection);

}  // namespace remediations
