#pragma once

#include <windows.h>

#include <winevt.h>

#include <chrono>
#include <vector>

#include "remediations/machine/event_log.hpp"

namespace machine::windows {

/// What is used of wevtapi.dll.
struct EventApi {
    decltype(&EvtQuery) query;
    decltype(&EvtNext) next;
    decltype(&EvtRender) render;
    decltype(&EvtCreateRenderContext) create_render_context;
    decltype(&EvtClose) close;
};

/// EventLog::read. The calls themselves may take longer than to the deadline.
Result<std::vector<Event>> read_events(const EventApi& api, const EventQuery& query,
                                       std::chrono::steady_clock::time_point deadline);

}  // namespace machine::windows
