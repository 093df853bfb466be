#pragma once

#include <string>
#include <vector>

#include "remediations/engine/engine.hpp"

namespace handler {

/// The parts that every report for people has, in any format.

/// Where the report's machine is, and so what a reader can do about it.
enum class Subject {
    this_computer,
    this_computer_without_rights,  ///< looked at by somebody who may not read all of it
    capture
};

/// Returns true if the outcome is left to be done but alone causes no failing backup.
bool is_risk(const remediations::Outcome& outcome);

/// Returns the state, after "risk, " where it is only a risk.
std::string state_text(const remediations::Outcome& outcome);

/// Returns "Root cause: ...", or that there is none, and whether all checks could be done.
std::string verdict(const remediations::Report& report);

/// Returns a layer's state in one line: its worst cause, or how many checks found nothing. Empty where nothing applies.
std::string layer_line(const remediations::Report& report, remediations::Layer layer);

/// Outcomes that a reader is told of together. More than one only where checks could not look for one and the same
/// reason.
using Group = std::vector<const remediations::Outcome*>;

/// Returns the outcomes that are neither healthy nor not applicable: the root cause first, the others in pipeline
/// order, then what could not be checked, risks last. No group is empty.
std::vector<Group> in_reading_order(const remediations::Report& report);

/// The titles of a group: a cause as it is found or, where nobody could look, that it could not be checked.
std::string title_of(const Group& group);

/// The summary as it stands beneath the title: without the title, where it only repeats that. May be empty.
std::string summary_beneath_title(const remediations::Outcome& outcome);

/// With a capital letter at its beginning.
std::string sentence_case(std::string text);

/// What was looked at, without what the summary says already.
std::vector<remediations::Evidence> evidence_to_show(const remediations::Finding& finding);

/// Returns true if another cause that was found broken explains this one.
bool follows_from_another(const remediations::Report& report, const remediations::Outcome& outcome);

/// Returns true if the finding's own action is one of next_steps(). Otherwise the report shows it at the finding: the
/// step is a command that the action explains, or another cause comes first.
bool action_is_a_step(const remediations::Report& report, const remediations::Outcome& outcome);

bool anything_changed(const remediations::Report& report);
/// Returns "Changed", or "Would be changed" for a dry run.
std::string changes_heading(const remediations::Report& report);
/// Returns a change for people; says so where undo cannot take it back.
std::string shown(const remediations::PlannedStep& change);

/// Returns the text before undo_command(): "To take all of this back"
std::string undo_heading(const remediations::Report& report);

/// Returns the command that undoes the changes; empty where there is none that it could undo. `program` is this
/// program's name in it.
std::string undo_command(const remediations::Report& report, const std::string& program);

/// A step for a person, with the command that does it, if there is one.
struct Step {
    std::string text;
    std::string command;

    friend bool operator==(const Step&, const Step&) = default;
};
/// Returns the steps in the order in which they should be done.
std::vector<Step> next_steps(const remediations::Report& report, Subject subject, const std::string& program);

}  // namespace handler
