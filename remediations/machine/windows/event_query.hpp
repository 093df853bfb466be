#pragma once

#include <string>

#include "remediations/machine/event_log.hpp"

namespace machine::windows {

/// The query as the event log service takes it: a QueryList in XML with XPath in it. ErrorKind::invalid where a name
/// cannot be quoted in XPath.
Result<std::string> event_query_xml(const EventQuery& query);

}  // namespace machine::windows
