#pragma once

#include <windows.h>

#include <winevt.h>

#include <chrono>
#include <vector>

#include "remediations/machine/event_log.hpp"

namespace machine::windows {

/// The functions of wevtapi.dll that this program uses.
struct EventApi {
    decltype(&EvtQuery) query;
    decltype(&EvtNext) next;
    decltype(&EvtRender) render;
    decltype(&EvtCreateRenderContext) create_render_context;
    decltype(&EvtClose) close;
};

/// Implements EventLog::read. A single call of the API may pass the deadline.
Result<std::vector<Event>> read_events(const EventApi& api, const EventQuery& query,
                                       std::chrono::steady_clock::time_point deadline);

}  // namespace machine::windows
