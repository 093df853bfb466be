#include "handler/guard/guard_policy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/engine/root_cause.hpp"

namespace handler {

using remediations::BackupAttempt;
using remediations::Outcome;
using remediations::Report;
using remediations::State;

namespace {

/// Returns the same hash in every build, because it is kept on disk. FNV-1a.
std::string hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return fmt::format("{:016x}", hash);
}

/// Returns the time of the boot. It changes only when the clock is changed.
GuardTime boot_time(const machine::local::Computer& computer, GuardTime now) {
    return now - computer.uptime;
}

bool was_clock_set(const GuardRecord& record, const machine::local::Computer& computer, GuardTime now) {
    if (record.looked == GuardTime{}) return false;
    if (record.looked > now + clock_tolerance) return true;
    const bool same_boot = !computer.boot.empty() && computer.boot == record.computer.boot;
    if (!same_boot) return false;
    const auto moved = boot_time(computer, now) - boot_time(record.computer, record.looked);
    return moved > clock_tolerance || moved < -clock_tolerance;
}

bool has_ended(const BackupAttempt& attempt) {
    return attempt.succeeded.has_value() || attempt.broke_off;
}

std::string how_it_failed(const BackupAttempt& attempt) {
    if (attempt.succeeded == true) return {};
    if (attempt.result) return fmt::format("result {}", *attempt.result);
    if (attempt.broke_off) return fmt::format("broke off after step {}", attempt.last_step);
    return fmt::format("failed in phase {}", static_cast<int>(attempt.phase));
}

/// Returns true if the cause was found again, or if no other cause was found and the backup failed like the one before
/// the repair.
bool is_same_failure(const Treatment& treatment, const BackupAttempt& attempt, const Report& report) {
    const auto found = std::ranges::find_if(
        report.outcomes, [&](const Outcome& outcome) { return outcome.remediation->id == treatment.cause; });
    if (found != report.outcomes.end() && remediations::is_left(found->finding.state)) return true;
    if (report.root_cause != nullptr) return report.root_cause->id == treatment.cause;
    return !treatment.failure.empty() && how_it_failed(attempt) == treatment.failure;
}

bool may_be_repaired(const Outcome& outcome, const GuardSettings& settings) {
    return outcome.finding.state == State::broken && outcome.finding.weight == remediations::Weight::cause &&
           outcome.remediation->fix && outcome.remediation->disruption <= settings.max_disruption &&
           (settings.allow_security_changes || !outcome.finding.changes_security);
}

/// Why a cause may not be treated now, and when it may; the epoch: not in the current state.
struct Hindrance {
    std::string why;
    GuardTime until{};
};

std::optional<Hindrance> hindrance(const GuardRecord& record, const Outcome& outcome, GuardTime now) {
    const auto& id = outcome.remediation->id;
    if (const auto* treatment = record.find(id)) {
        if (treatment->in_a_row >= most_attempts_in_a_row) {
            return Hindrance{
                fmt::format("{} was repaired {} times in a row and no backup proved it; it needs a person.", id,
                            treatment->in_a_row),
                {}};
        }
        if (treatment->state == Treatment::State::not_healed && treatment->shape == shape_of(outcome.finding)) {
            return Hindrance{
                fmt::format("The repair of {} did not help before; it is tried again once something else is "
                            "seen there.",
                            id),
                {}};
        }
        if (const auto until = treatment->time + between_attempts; now < until) {
            return Hindrance{fmt::format("{} was repaired on {} and came back; it is tried again on {}.", id,
                                         utc_text(treatment->time), utc_text(until)),
                             until};
        }
    }
    if (const auto until = record.last_repair + between_attempts;
        record.repairs_in_a_row >= most_attempts_in_a_row && now < until) {
        return Hindrance{fmt::format("{} waits until {}: {} repairs in a row, and no backup has succeeded since.", id,
                                     utc_text(until), record.repairs_in_a_row),
                         until};
    }
    return std::nullopt;
}

std::string text_of(const Treatment& treatment) {
    const auto run = treatment.run_id.empty() ? "no change" : "run " + treatment.run_id;
    switch (treatment.state) {
        case Treatment::State::waiting:
            return fmt::format("{} ({}, the next backup proves it)", treatment.cause, run);
        case Treatment::State::proven:
            return fmt::format("{} ({}, proven by a backup)", treatment.cause, run);
        case Treatment::State::not_healed:
            return fmt::format("{} ({}, not healed by it, taken back)", treatment.cause, run);
    }
    return {};
}

}  // namespace

GuardRecord record_for_today(GuardRecord record, const machine::local::Computer& computer, GuardTime now) {
    const bool is_another = !record.computer.id.empty() && !computer.id.empty() && record.computer.id != computer.id;
    if (is_another) record = {};
    if (was_clock_set(record, computer, now)) {
        record.looked = now;
        record.look_again = true;
        record.next_try = now;
        if (record.last_repair > GuardTime{}) record.last_repair = now;
        if (record.folder_missing_since > GuardTime{}) record.folder_missing_since = now;
        for (auto& treatment : record.treatments) treatment.time = now;
    }
    return record;
}

std::optional<std::string> reason_to_look(const GuardRecord& record, const remediations::BackupSigns& signs,
                                          GuardTime now) {
    if (record.looked == GuardTime{}) return "nobody has looked yet";
    if (!record.repairing.empty()) return "a repair was cut short";
    if (!signs.agent_trouble.empty()) return signs.agent_trouble;
    if (signs.fingerprint != record.seen) return "a backup ran, or a file that decides about backups is another";
    if (signs.newest_error && *signs.newest_error > record.looked) return "the guest agent logged an error";
    if (record.look_again && now >= record.next_try) return "something was left that may be tried again";
    return std::nullopt;
}

std::string shape_of(std::string_view text) {
    std::string shape;
    for (const char c : text) {
        const bool is_digit = c >= '0' && c <= '9';
        if (!is_digit) shape += c;
        if (is_digit && (shape.empty() || shape.back() != '#')) shape += '#';
    }
    return hash_of(shape);
}

std::string shape_of(const remediations::Finding& finding) {
    auto text = finding.summary;
    for (const auto& evidence : finding.evidence) text += "\n" + evidence.where + "\n" + evidence.seen;
    return shape_of(text);
}

std::string failure_in(const Report& report) {
    const auto newest = std::find_if(report.attempts.rbegin(), report.attempts.rend(), has_ended);
    return newest == report.attempts.rend() ? std::string() : how_it_failed(*newest);
}

std::vector<Verdict> judge_treatments(GuardRecord& record, const Report& report) {
    std::vector<Verdict> verdicts;
    const auto name_of = [](const BackupAttempt& attempt) {
        return fmt::format("the backup of {}", utc_text(*attempt.started));
    };
    for (auto& treatment : record.treatments) {
        const BackupAttempt* success = nullptr;
        const BackupAttempt* newest = nullptr;
        for (const auto& attempt : report.attempts) {
            if (!has_ended(attempt) || !attempt.started || *attempt.started <= treatment.time) continue;
            newest = &attempt;
            if (attempt.succeeded == true) success = &attempt;
        }
        const bool waits = treatment.state == Treatment::State::waiting;
        if (success != nullptr) {
            // A cause that was given up before counts as a new case when it comes back.
            treatment.in_a_row = 0;
            treatment.shape.clear();
            if (*success->started > record.last_repair) record.repairs_in_a_row = 0;
            if (!waits) continue;
            treatment.state = Treatment::State::proven;
            verdicts.push_back({treatment.cause, treatment.state, treatment.run_id, name_of(*success)});
        } else if (waits && newest != nullptr && is_same_failure(treatment, *newest, report)) {
            treatment.state = Treatment::State::not_healed;
            verdicts.push_back({treatment.cause, treatment.state, treatment.run_id, name_of(*newest)});
        }
    }
    return verdicts;
}

RepairChoice choose_repair(const GuardRecord& record, const GuardSettings& settings, const Report& report,
                           GuardTime now) {
    RepairChoice choice;
    std::vector<const Outcome*> candidates;
    for (const auto& outcome : report.outcomes) {
        if (may_be_repaired(outcome, settings) &&
            remediations::origins_of(*outcome.remediation, report.outcomes).empty()) {
            candidates.push_back(&outcome);
        }
    }
    std::stable_partition(candidates.begin(), candidates.end(),
                          [&](const auto* each) { return each->remediation == report.root_cause; });
    for (const auto* candidate : candidates) {
        const auto held = hindrance(record, *candidate, now);
        if (!held && choice.outcome == nullptr) choice.outcome = candidate;
        if (!held) continue;
        choice.held_back.push_back(held->why);
        if (held->until != GuardTime{} && (choice.next_try == GuardTime{} || held->until < choice.next_try)) {
            choice.next_try = held->until;
        }
    }
    return choice;
}

void note_attempt(GuardRecord& record, const Outcome& outcome, const Report& report, GuardTime now) {
    auto* treatment = record.find(outcome.remediation->id);
    if (treatment == nullptr) {
        record.treatments.emplace_back();
        treatment = &record.treatments.back();
        treatment->cause = outcome.remediation->id;
    }
    treatment->state = Treatment::State::waiting;
    treatment->run_id.clear();
    treatment->time = now;
    ++treatment->in_a_row;
    treatment->shape = shape_of(outcome.finding);
    treatment->failure = failure_in(report);
    ++record.repairs_in_a_row;
    record.last_repair = now;
}

std::string guard_text(const GuardSettings& settings, const GuardRecord& record) {
    auto text = fmt::format("{}, every {} h{}.", to_string(settings.mode), settings.every.count(),
                            settings.suspended ? ", suspended while the extension is disabled" : "");
    text += record.looked == GuardTime{} ? std::string(" It has not had to look yet.")
                                         : fmt::format(" Last look {}.", utc_text(record.looked));
    std::vector<std::string> repaired;
    for (const auto& treatment : record.treatments) repaired.push_back(text_of(treatment));
    if (!repaired.empty()) text += fmt::format(" Repaired: {}.", fmt::join(repaired, "; "));
    return text;
}

std::optional<Substatus> guard_substatus(const std::filesystem::path& state_folder) {
    const auto settings = load_guard_settings(state_folder);
    if (!settings || !*settings) return std::nullopt;
    return Substatus{"guard", StatusWord::success, 0, guard_text(**settings, load_guard_record(state_folder))};
}

}  // namespace handler
