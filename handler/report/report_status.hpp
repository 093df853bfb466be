#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "handler/report/status.hpp"
#include "remediations/engine/engine.hpp"

namespace handler {

/// The code of the top-level status; 0 unless it is "error".
enum class StatusCode {
    none = 0,
    settings_invalid = 1,
    unresolved = 2,      ///< failOnUnresolved was set and something is left
    could_not_work = 3,  ///< this program could not do what it was asked
    worker_ended = 4,    ///< the worker died or exceeded its time
};

/// Returns the whole report for the portal. The message says what a person has to do, what was wrong and what was
/// changed, in this order. Then follow one substatus for each layer of the pipeline and one for each cause that is not
/// simply healthy. A broken cause is "error" only with `fail_on_unresolved`: an extension in error puts the VM into the
/// Failed provisioning state, and that alone makes backups fail.
Status status_of(const remediations::Report& report, bool fail_on_unresolved);

/// Returns the status of a run that ended early because the extension was disabled.
Status status_of_stopped(const remediations::Report& report);

/// Adds to the end of the message the place of the report and the command that undoes the changes; cuts the text before
/// them where there is no room. `program` is this program's full path, because a reader of the portal cannot know it;
/// `report_file` may be empty.
void add_pointers(Status& status, const remediations::Report& report, const std::string& program,
                  const std::filesystem::path& report_file);

/// Returns "Text." with exactly one full stop.
std::string sentence(std::string text);
/// Joins with blanks; leaves out empty parts.
std::string joined(std::initializer_list<std::string> parts);
/// Returns the word of a substatus for a state.
StatusWord word_for(remediations::State state);

Status settings_invalid(const std::vector<std::string>& problems);
Status could_not_work(const std::string& why);
/// `how` is a clause after "the run ...": "died with exit code 139". `run_id` is empty where nothing was changed.
Status worker_ended(const std::string& how, const std::string& run_id, const std::string& program);
Status in_progress(const std::string& what);
Status superseded(std::uint64_t by);

}  // namespace handler
