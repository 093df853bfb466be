#pragma once

#include "remediations/machine/network.hpp"

namespace machine {

/// Network::source_address: asks the routing table by connecting a UDP socket, which sends nothing.
Result<std::string> source_address_for(const std::string& address);

}  // namespace machine
