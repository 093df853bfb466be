#pragma once

#include <string_view>

#include "remediations/knowledge/network/packet_filter.hpp"

namespace remediations {

/// Understands the output of iptables-save, legacy or nf_tables: the chains that `connection` meets
/// on its way out (OUTPUT of raw, mangle, nat, filter and security, POSTROUTING of mangle) and those
/// they jump to, named "<table> <chain>". What is not understood becomes Match::maybe, an unknown
/// line is skipped: whatever the text, the answer is a set of chains.
FilterChains parse_iptables_save(std::string_view text, const OutgoingConnection& connection);

}  // namespace remediations
