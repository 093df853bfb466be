#pragma once

#include <string>

#include "remediations/machine/event_log.hpp"

namespace machine::windows {

/// Returns the query in the form that the event log service takes: an XML QueryList with XPath. ErrorKind::invalid
/// where a name cannot be quoted in XPath.
Result<std::string> event_query_xml(const EventQuery& query);

}  // namespace machine::windows
