#pragma once

#include <optional>
#include <string>

#include "remediations/changes/host_route.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// The network card to which Azure's DHCP server named a router: the primary one. Nothing where no lease, or more than
/// one, says so. https://learn.microsoft.com/azure/virtual-network/virtual-network-network-interface
std::optional<std::string> card_with_router_from_dhcp(const machine::Machine& machine);

/// The route to the wire server that Azure's network offers: through the primary network card to the subnet's router,
/// from the address that Azure has for the primary one, where that is known. The card is `wanted_card` or, where that
/// is empty, the one to which DHCP named a router, that of the default route, or the only one. The router is that of
/// the card's default route or lease, or else the subnet's first address, which Azure keeps for it.
/// ErrorKind::not_found says what is not known.
machine::Result<HostRoute> route_to_wire_server(const machine::Machine& machine, const std::string& wanted_card = {});

}  // namespace remediations
