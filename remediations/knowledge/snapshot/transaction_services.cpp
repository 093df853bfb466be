#include "remediations/knowledge/snapshot/transaction_services.hpp"

#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations {

std::vector<EventPattern> missing_transaction_log_events() {
    constexpr std::uint32_t log_file_not_found = 4163;
    std::vector<EventPattern> all;
    for (const auto* provider : {"Microsoft-Windows-MSDTC", "Microsoft-Windows-MSDTC 2", "MSDTC"}) {
        all.push_back({"Application", provider, {log_file_not_found}});
    }
    return all;
}

const machine::Event* missing_transaction_log(const machine::Machine& machine) {
    for (const auto& pattern : missing_transaction_log_events()) {
        if (const auto* event = newest_current(machine, pattern)) return event;
    }
    return nullptr;
}

}  // namespace remediations
