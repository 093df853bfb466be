#include "remediations/knowledge/snapshot/vss_writer_state.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"

namespace remediations {

using machine::Machine;

namespace {

/// No backup lets its writers wait for so long: Azure gives up after 140 minutes.
constexpr auto longest_backup = std::chrono::minutes(140);

bool is_at_work(const VssWriter& writer) {
    return writer.state >= static_cast<unsigned>(WriterState::waiting_for_freeze) &&
           writer.state <= static_cast<unsigned>(WriterState::waiting_for_post_snapshot);
}

/// Returns true if a writer still waits for the end of a backup that is over. That is common after a failure and mostly
/// harmless.
bool is_left_waiting(const VssWriter& writer, const LastRun& last, std::chrono::system_clock::time_point now) {
    const auto* run = last.attempt();
    return writer.state == static_cast<unsigned>(WriterState::waiting_for_backup_complete) && last.is_failure() &&
           run && run->ended && now - *run->ended > longest_backup;
}

WriterService price_of(const WriterOwner* owner) {
    return owner && !owner->service.empty() ? owner->restart : WriterService::workload;
}

std::string advice_for(const std::vector<const VssWriter*>& writers, const std::vector<std::string>& services,
                       WriterService price) {
    if (price == WriterService::safe) {
        return fmt::format(
            "Restart {}. If the writer fails again in the next backup, free memory and disk space and "
            "see what the VM is busy with at that time.",
            fmt::join(services, ", "));
    }
    if (price == WriterService::brief) {
        constexpr std::string_view sql_writer = "SQLWriter";
        if (std::ranges::find(services, sql_writer) != services.end()) {
            return fmt::format(
                "See in the Application log what SQLWRITER and SQL Server say at the time of the backup. Where they "
                "say nothing, look in sys.databases for databases with AUTO_CLOSE on, and switch it off: the writer "
                "fails at PostSnapshot for them. A restart of {} only resets the state.",
                fmt::join(services, ", "));
        }
        return fmt::format(
            "Restart {} at a quiet time. If the writer fails again in the next backup, see what its "
            "application logs at that time.",
            fmt::join(services, ", "));
    }
    std::vector<std::string> steps;
    for (const auto* writer : writers) {
        const auto* owner = owner_of_writer(writer->id, writer->name);
        steps.push_back(owner && !owner->service.empty()
                            ? fmt::format("service {} for {}", owner->service, writer->name)
                            : fmt::format("the application that brings {}", writer->name));
    }
    return fmt::format(
        "See what the application logs at the time of the backup and repair that. Then restart, in a maintenance "
        "window, {}.",
        fmt::join(steps, ", "));
}

std::string_view price_text(WriterService price) {
    switch (price) {
        case WriterService::safe:
            return "whose service can be restarted unnoticed";
        case WriterService::brief:
            return "whose service's restart is felt for a moment";
        case WriterService::workload:
            return "of an application";
    }
    return "";
}

/// Returns why the writers failed, where more is known than VSS_E_WRITERERROR_*: from VSS's own event about one of
/// them, or from the run. The word that vssadmin prints is translated.
std::optional<Meaning> reason_of_failure(const Machine& machine, const LastRun& last,
                                         const std::vector<const VssWriter*>& failed) {
    std::string said = last.is_failure() ? last.failure_text() : std::string();
    for (const auto* writer : failed) {
        if (const auto* event = newest_refusal(machine, writer->id)) said += "\n" + text_of(*event);
    }
    constexpr std::uint32_t telling[] = {0x800423F0, 0x800423F1, 0x800423F2};
    const auto* code = std::ranges::find_if(telling, [&](auto each) { return names_code(said, each); });
    return code == std::end(telling) ? std::nullopt : meaning_of({Reason::Kind::hresult, *code, "", ""});
}

}  // namespace

AskedWriters writers_of(const Machine& machine, const Question& question) {
    if (machine.derived<LastRun>().end() == LastRun::End::running) {
        return {.why_not = "A backup runs; its writers cannot be judged now."};
    }
    if (vss_is_suspect(machine, question)) return {.writers = &machine.derived<VssWriters>(), .is_suspect = true};
    const auto& writers = machine.derived<UnsuspectedVssWriters>();
    if (!writers.list() && (writers.list().error().kind == machine::ErrorKind::not_captured ||
                            writers.list().error().kind == machine::ErrorKind::not_found)) {
        return {.why_not = "Nothing points to VSS, and its writers were not asked."};
    }
    return {.writers = &writers};
}

Finding diagnose_writers(const Machine& machine, const Question& question, WriterService price) {
    const auto asked = writers_of(machine, question);
    if (asked.writers == nullptr) return Finding::healthy(std::string(asked.why_not));
    const auto& writers = *asked.writers;
    if (!writers.list()) {
        return Finding::not_applicable("The writers do not answer; vss-writer-missing speaks of that.");
    }
    if (std::ranges::any_of(*writers.list(), is_at_work)) {
        return Finding::healthy("A snapshot is just being taken; its writers cannot be judged now.");
    }
    const auto& last = machine.derived<LastRun>();
    std::vector<const VssWriter*> failed;
    std::vector<Evidence> evidence;
    std::vector<std::string> services;
    std::vector<std::string> names;
    bool is_only_waiting = true;
    for (const auto& writer : *writers.list()) {
        const bool waits = is_left_waiting(writer, last, machine.facts().now);
        if (!waits && !has_failed(writer)) continue;
        const auto* owner = owner_of_writer(writer.id, writer.name);
        if (price_of(owner) != price) continue;
        is_only_waiting = is_only_waiting && waits;
        failed.push_back(&writer);
        names.push_back(writer.name);
        evidence.push_back(
            {fmt::format("{}: {} {}", writers.command(), writer.name, writer.id),
             fmt::format("{}, which is: {}{}{}", writer.state_text, meaning_of_writer_state(writer.state),
                         writer.error_text.empty() ? "" : "; ", writer.error_text),
             "[1], stable"});
        if (!owner || owner->service.empty()) continue;
        const auto service = std::string(owner->service);
        if (std::ranges::find(services, service) == services.end()) services.push_back(service);
    }
    if (failed.empty()) {
        return Finding::healthy(
            fmt::format("None of the {} VSS writers {} has failed.", writers.list()->size(), price_text(price)),
            {{writers.command(), fmt::format("{} writers", writers.list()->size()), ""}});
    }
    auto summary =
        is_only_waiting
            ? fmt::format("VSS writers still wait for a backup that is long over: {}.", fmt::join(names, ", "))
            : fmt::format("VSS writers {} have failed: {}.", price_text(price), fmt::join(names, ", "));
    auto action = advice_for(failed, services, price);
    if (const auto meaning = reason_of_failure(machine, last, failed)) {
        action = fmt::format("{} Then: {}", advice_of(*meaning), action);
    }
    auto finding = price == WriterService::workload
                       ? Finding::needs_operator(std::move(summary), std::move(evidence), std::move(action))
                       : Finding::broken(std::move(summary), std::move(evidence), std::move(action));
    finding.subjects = std::move(services);
    // The state is what the last failure left behind, be it another product's: after a success it explains nothing.
    const bool explains_nothing = last.end() == LastRun::End::succeeded && !is_vss_code(question.error_code);
    return is_only_waiting || explains_nothing ? std::move(finding).as_risk() : finding;
}

machine::Result<void> restart_writer_services(const Finding& finding, Changes& changes) {
    for (const auto& service : finding.subjects) {
        if (auto restarted = changes.restart_service(service); !restarted) return restarted;
    }
    return {};
}

}  // namespace remediations
