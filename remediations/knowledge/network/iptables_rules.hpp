#pragma once

#include <string_view>

#include "remediations/knowledge/network/packet_filter.hpp"

namespace remediations {

/// Parses the output of iptables-save, legacy or nf_tables: the chains that `connection` meets on its way out (OUTPUT
/// of raw, mangle, nat, filter and security, POSTROUTING of mangle) and the chains that they jump to, named "<table>
/// <chain>". A condition that is not understood becomes Match::maybe; an unknown line is skipped. So every text gives a
/// set of chains.
FilterChains parse_iptables_save(std::string_view text, const OutgoingConnection& connection);

}  // namespace remediations
