#pragma once

#include "remediations/machine/network.hpp"

namespace machine {

/// Implements Network::source_address: connects a UDP socket, which asks the routing table and sends nothing.
Result<std::string> source_address_for(const std::string& address);

}  // namespace machine
