// What iptables-save and `nft -j list ruleset` print; the first byte says which.
#include "remediations/knowledge/network/iptables_rules.hpp"
#include "remediations/knowledge/network/nftables_rules.hpp"
#include "remediations/machine/ipv4.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace remediations;
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    const OutgoingConnection connection{machine::parse_ipv4("168.63.129.16").value(), 80,
                                        machine::parse_ipv4("10.0.0.4"), "eth0"};
    if (data[0] == 'i') {
        (void)blocks_of(parse_iptables_save(text, connection));
    } else if (const auto chains = parse_nftables_ruleset(std::string(text), connection)) {
        (void)blocks_of(*chains);
    }
    return 0;
}
