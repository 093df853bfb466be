#include "handler/report/rehearsal_report.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "handler/report/plain_text.hpp"
#include "handler/report/report_status.hpp"
#include "handler/report/report_text.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

namespace json = boost::json;
using machine::valid_utf8;
using remediations::FreezeRehearsal;
using remediations::RehearsedMount;
using remediations::State;
using Freezability = RehearsedMount::Outcome;

namespace {

double in_ms(std::chrono::microseconds time) {
    return static_cast<double>(time.count()) / 1000;
}

Paint paint_for(Freezability outcome) {
    switch (outcome) {
        case Freezability::freezable:
            return Paint::good;
        case Freezability::not_freezable:
            return Paint::bad;
        case Freezability::unknown:
            return Paint::attention;
        case Freezability::left_out:
            return Paint::faint;
    }
    return Paint::none;
}

std::string happened(const RehearsedMount& mount) {
    if (mount.outcome != Freezability::freezable) return mount.reason;
    return fmt::format("frozen for {:.1f} ms, after {:.1f} ms to write out what was dirty", in_ms(mount.frozen),
                       in_ms(mount.sync));
}

}  // namespace

std::string rehearsal_text(const FreezeRehearsal& rehearsal, const TextStyle& style) {
    constexpr std::size_t outcome_column = 18;
    Page page(style);
    page.heading(fmt::format("Freeze rehearsal: {}", to_string(rehearsal.state)), paint_of(rehearsal.state));
    page.paragraph(2, visible(rehearsal.summary));
    if (!rehearsal.mounts.empty()) page.blank();
    for (const auto& mount : rehearsal.mounts) {
        page.row(2, {{to_string(mount.outcome), outcome_column, paint_for(mount.outcome)}},
                 fmt::format("{} ({}, {}){}", visible(mount.mount_point), visible(mount.type), visible(mount.source),
                             happened(mount).empty() ? "" : ": " + visible(happened(mount))));
    }
    if (!rehearsal.action.empty()) {
        page.blank();
        page.heading("What to do next");
        page.paragraph(2, visible(rehearsal.action));
    }
    return std::move(page).text();
}

std::string rehearsal_json(const FreezeRehearsal& rehearsal) {
    json::array mounts;
    for (const auto& mount : rehearsal.mounts) {
        mounts.push_back(json::object{{"mountPoint", valid_utf8(mount.mount_point)},
                                      {"source", valid_utf8(mount.source)},
                                      {"type", valid_utf8(mount.type)},
                                      {"outcome", to_string(mount.outcome)},
                                      {"reason", valid_utf8(mount.reason)},
                                      {"action", valid_utf8(mount.action)},
                                      {"syncMs", in_ms(mount.sync)},
                                      {"freezeMs", in_ms(mount.freezing)},
                                      {"frozenMs", in_ms(mount.frozen)}});
    }
    return machine::with_escaped_controls(json::serialize(json::object{{"schema", 1},
                                                                       {"state", to_string(rehearsal.state)},
                                                                       {"summary", valid_utf8(rehearsal.summary)},
                                                                       {"action", valid_utf8(rehearsal.action)},
                                                                       {"mounts", std::move(mounts)}})) +
           "\n";
}

void add_rehearsal(Status& status, const FreezeRehearsal& rehearsal, bool fail_on_unresolved) {
    auto message = fmt::format("{}: {}", to_string(rehearsal.state), sentence(rehearsal.summary));
    for (const auto& mount : rehearsal.mounts) {
        message += fmt::format("\n{}: {}", mount.mount_point, to_string(mount.outcome));
        if (const auto what = happened(mount); !what.empty()) message += fmt::format(" ({})", what);
    }
    if (!rehearsal.action.empty()) message += "\nTo do: " + rehearsal.action;
    status.substatus.push_back(
        {"freeze-rehearsal", word_for(rehearsal.state), static_cast<int>(rehearsal.state), std::move(message)});
    if (rehearsal.state == State::unknown) {
        status.message += " Freeze rehearsal: " + sentence(rehearsal.summary);
    }
    if (rehearsal.state != State::needs_operator) return;
    const auto found =
        fmt::format("{} Cause: freeze rehearsal: {}", sentence(rehearsal.action), sentence(rehearsal.summary));
    constexpr std::string_view action_needed = "Action needed: ";
    status.message = status.message.starts_with(action_needed)
                         ? fmt::format("{} Then: {}", status.message, found)
                         : fmt::format("{}{} {}", action_needed, found, status.message);
    if (fail_on_unresolved && status.status == StatusWord::success) {
        status.status = StatusWord::error;
        status.code = static_cast<int>(StatusCode::unresolved);
    }
}

}  // namespace handler
