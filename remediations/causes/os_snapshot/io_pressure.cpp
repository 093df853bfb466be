#include <fmt/format.h>

#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/pressure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::io_pressure {

namespace {

constexpr double high_pressure = 40;  ///< percent of the last minute in which all tasks waited

Finding diagnose(const machine::Machine& machine) {
    const auto pressure = pressure_of(machine, "io");
    if (!pressure) return Finding::not_applicable("The kernel does not measure how long tasks wait for disks.");
    std::vector<Evidence> evidence{{"/proc/pressure/io", fmt::format("{:.0f} % of the last minute", pressure->full),
                                    fmt::format("below {:.0f} %", high_pressure)}};
    if (pressure->full < high_pressure) {
        return Finding::healthy("The disks keep up with the work.", std::move(evidence));
    }
    return Finding::needs_operator("The disks are overloaded; freezing first has to write out all that waits.",
                                   std::move(evidence),
                                   "Move the backup to a quieter time, find what reads and writes (`iotop`), or use "
                                   "faster disks or a larger VM: both have limits of operations per second.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "io-pressure",
        .title = "The disks are overloaded",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeTimeout", "VMRestorePointClientError", "122"},
        .explanation =
            "A freeze waits until unwritten data is on the disk. On overloaded disks that takes longer than the "
            "extension waits. This is the state now, which may differ from that at the time of the backup, so it "
            "counts as a risk only.",
        .source = "https://docs.kernel.org/accounting/psi.html",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::io_pressure
