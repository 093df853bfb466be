#pragma once

#include <string>
#include <vector>

#include "remediations/engine/engine.hpp"

namespace handler {

/// What every report for people says, whatever it is written in.

/// Where the report's machine is, and so what a reader can do about it.
enum class Subject {
    this_computer,
    this_computer_without_rights,  ///< looked at by somebody who may not read all of it
    capture
};

/// Left to be done, but no cause of a failing backup by itself.
bool is_risk(const remediations::Outcome& outcome);

/// The state, with "risk, " before it where it is only that.
std::string state_text(const remediations::Outcome& outcome);

/// "Root cause: ...", or that there is none and whether all could be looked at.
std::string verdict(const remediations::Report& report);

/// A layer's state in one line: its worst cause, or how many checks found nothing. Empty where nothing applies.
std::string layer_line(const remediations::Report& report, remediations::Layer layer);

/// Outcomes that a reader is told of together. More than one only where checks could not look for one and the same
/// reason.
using Group = std::vector<const remediations::Outcome*>;

/// What is neither healthy nor not applicable: the root cause first, the others as the pipeline has them, then what
/// could not be checked, risks last. No group is empty.
std::vector<Group> in_reading_order(const remediations::Report& report);

/// The titles of a group: a cause as it is found or, where nobody could look, that it could not be checked.
std::string title_of(const Group& group);

/// The summary as it stands beneath the title: without the title, where it only repeats that. May be empty.
std::string summary_beneath_title(const remediations::Outcome& outcome);

/// With a capital letter at its beginning.
std::string sentence_case(std::string text);

/// What was looked at, without what the summary says already.
std::vector<remediations::Evidence> evidence_to_show(const remediations::Finding& finding);

/// Whether another cause that is found broken explains it.
bool follows_from_another(const remediations::Report& report, const remediations::Outcome& outcome);

/// Whether the finding's own action is one of next_steps(). Else it stands with the finding: as the explanation of a
/// command that is the step, or because another cause comes first.
bool action_is_a_step(const remediations::Report& report, const remediations::Outcome& outcome);

bool anything_changed(const remediations::Report& report);
/// "Changed", or "Would be changed" of a dry run.
std::string changes_heading(const remediations::Report& report);
/// A change as people read it; says where undo cannot take it back.
std::string shown(const remediations::PlannedStep& change);

/// What stands before undo_command: "To take all of this back"
std::string undo_heading(const remediations::Report& report);

/// The command that takes the changes back; empty where nothing was changed that it could take back. `program` is what
/// it is called by.
std::string undo_command(const remediations::Report& report, const std::string& program);

/// What a person should do, and the command that does it where there is one.
struct Step {
    std::string text;
    std::string command;

    friend bool operator==(const Step&, const Step&) = default;
};
/// In the order in which they should be done.
std::vector<Step> next_steps(const remediations::Report& report, Subject subject, const std::string& program);

}  // namespace handler
