#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "remediations/changes/changes.hpp"
#include "remediations/formats/http_date.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::clock_skew {

using machine::Machine;
using machine::ServiceState;
using std::chrono::duration_cast;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

/// Signed URLs and certificates tolerate some minutes. A skew below one minute may be the travel time of the answer.
constexpr auto harmful_skew = minutes(5);
constexpr auto notable_skew = minutes(1);
/// chronyd and the others need some minutes for their first measurements.
constexpr auto time_to_correct = minutes(15);

/// Their names in the distributions and in Windows. The first one that is installed sets the clock.
constexpr const char* time_services[] = {"chronyd", "chrony", "systemd-timesyncd", "ntpsec", "ntpd", "ntp", "W32Time"};

bool is_windows(const Machine& machine) {
    return machine.facts().platform == machine::Platform::windows;
}

struct Skew {
    std::chrono::system_clock::duration ahead;  ///< of this machine; negative where it is behind
    std::string date;
};

constexpr auto reference = "168.63.129.16:80/?comp=versions";

/// Measures by the time in any answer, also in a refusal.
std::optional<Skew> measure(const Machine& machine) {
    const auto answer =
        machine.network().get({.host = "168.63.129.16", .port = 80, .path = "/?comp=versions", .headers = {}});
    if (!answer) return std::nullopt;
    const auto date = parse_http_date(answer->date);
    if (!date) return std::nullopt;
    return Skew{machine.facts().now - *date, answer->date};
}

std::optional<machine::Service> time_service(const Machine& machine) {
    std::optional<machine::Service> installed;
    for (const auto* name : time_services) {
        const auto service = machine.services().find(name);
        if (!service) continue;
        if (service->state == ServiceState::running) return *service;
        // Of several stopped services, takes the one that should run.
        const bool better = !installed || (installed->start != machine::StartType::automatic &&
                                           service->start == machine::StartType::automatic);
        if (better) installed = *service;
    }
    return installed;
}

/// Returns true if the service was started too recently to have set the clock.
bool runs_only_just(const Machine& machine, const machine::Service& service) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return false;
    const auto process = std::ranges::find(*processes, service.pid, &machine::Process::pid);
    return process == processes->end() || process->started + time_to_correct > machine.facts().now;
}

std::string shown(std::chrono::system_clock::duration skew) {
    const auto amount = duration_cast<seconds>(skew < skew.zero() ? -skew : skew);
    const auto text = amount < minutes(2) ? fmt::format("{} seconds", amount.count())
                      : amount < std::chrono::hours(3)
                          ? fmt::format("{} minutes", duration_cast<minutes>(amount).count())
                          : fmt::format("{} hours", duration_cast<std::chrono::hours>(amount).count());
    return text + (skew < skew.zero() ? " behind" : " ahead");
}

Finding diagnose(const Machine& machine) {
    const auto skew = measure(machine);
    if (!skew) return Finding::not_applicable("The Azure platform gives no time to compare the clock with.");
    const auto amount = skew->ahead < skew->ahead.zero() ? -skew->ahead : skew->ahead;
    std::vector<Evidence> evidence{{reference, "Date: " + skew->date,
                                    fmt::format("this machine's time, within {} minutes", harmful_skew.count())}};
    if (amount < notable_skew) return Finding::healthy("The clock is right.");

    const auto summary = fmt::format("The clock of this machine is {} of Azure's.", shown(skew->ahead));
    const auto weigh = [&](Finding finding) { return amount < harmful_skew ? std::move(finding).as_risk() : finding; };
    const auto service = time_service(machine);
    if (!service) {
        return weigh(Finding::needs_operator(
            summary, std::move(evidence),
            is_windows(machine) ? "Register the Windows Time service again: w32tm /register, then net start w32time."
                                : "Install a time service (apt install chrony, dnf install chrony, zypper install "
                                  "chrony) and start it: "
                                  "systemctl enable --now chrony (chronyd). Databases may have to be stopped before "
                                  "the clock goes back."));
    }
    evidence.push_back({"service " + service->name, std::string(machine::to_string(service->state)), "running"});
    if (service->state == ServiceState::running) {
        if (runs_only_just(machine, *service)) {
            return Finding::healthy(
                fmt::format("{} {} has just been started and corrects it: look again in some minutes.", summary,
                            service->name),
                std::move(evidence));
        }
        if (is_windows(machine)) {
            return weigh(Finding::needs_operator(
                summary, std::move(evidence),
                "W32Time runs but does not correct it. See why: w32tm /query /status and w32tm /query /source. On "
                "Azure the host's clock (VM IC Time Synchronization Provider) is best outside of a domain; in one, "
                "look at the domain controller. Then: w32tm /resync /force. Databases may have to be stopped before "
                "the clock goes back."));
        }
        return weigh(Finding::needs_operator(
            summary, std::move(evidence),
            fmt::format(
                "{} runs but does not correct it. See why (chronyc sources -v and chronyc tracking, timedatectl "
                "timesync-status, or ntpq -p); on Azure the host's clock is best: refclock PHC /dev/ptp_hyperv "
                "poll 3 dpoll -2 offset 0 stratum 2 in chrony.conf. Then set it once: chronyc makestep. Databases "
                "may have to be stopped before the clock goes back.",
                service->name)));
    }
    if (service->start == machine::StartType::disabled && is_windows(machine)) {
        return weigh(Finding::needs_operator(
            summary, std::move(evidence),
            "W32Time is disabled: set its start type to manual and start it (services.msc), unless another program is "
            "meant to keep the clock."));
    }
    if (service->start == machine::StartType::disabled) {
        return weigh(
            Finding::needs_operator(summary, std::move(evidence),
                                    fmt::format("{0} is masked: systemctl unmask {0} && systemctl enable --now "
                                                "{0}, unless another program is meant to keep the clock.",
                                                service->name)));
    }
    auto finding = Finding::broken(summary, std::move(evidence),
                                   fmt::format("Start {}, which keeps the clock; it is stopped.", service->name));
    finding.subjects = {service->name};
    return weigh(std::move(finding));
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& service : finding.subjects) {
        if (auto started = changes.start_service(service); !started) return started;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "clock-skew",
        .title = "The clock of the VM is wrong",
        .layer = Layer::os_snapshot,
        .scope = Scope::both,
        .error_codes = {"ExtensionOperationFailedForManagedDisks", "GuestAgentCertificateNotFound",
                        "FailedHandlerGuestAgentCertificateNotFound", "16", "402", "ExtensionSnapshotFailedNoNetwork"},
        .disruption = Disruption::service_restart,
        .explanation =
            "Settings are protected by certificates, and snapshots are asked for with signed URLs; both are good for a "
            "time only. When the clock is more than five minutes off they are refused, and a command can look older "
            "than the extension accepts. The time of the platform's own answer is the reference. The fix starts the "
            "installed time service; it never sets the clock itself.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/linux/time-sync",
        .consequences = {"transport-certificate-missing", "command-too-late", "extension-error", "tls-interception"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::clock_skew
