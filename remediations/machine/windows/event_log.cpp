#include "remediations/machine/event_log.hpp"

#include "remediations/machine/time_limit.hpp"
#include "remediations/machine/windows/event_reader.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_library.hpp"

namespace machine::windows {

namespace {

constexpr auto time_limit = std::chrono::seconds(10);

Result<EventApi> event_api() {
    const SystemLibrary library(L"wevtapi.dll");
    const EventApi api{library.function<decltype(EvtQuery)>("EvtQuery"), library.function<decltype(EvtNext)>("EvtNext"),
                       library.function<decltype(EvtRender)>("EvtRender"),
                       library.function<decltype(EvtCreateRenderContext)>("EvtCreateRenderContext"),
                       library.function<decltype(EvtClose)>("EvtClose")};
    if (api.query && api.next && api.render && api.create_render_context && api.close) return api;
    return Error::unsupported("this Windows has no event log API (wevtapi.dll)");
}

class WindowsEventLog final : public EventLog {
public:
    Result<std::vector<Event>> read(const EventQuery& query) const override {
        const auto deadline = std::chrono::steady_clock::now() + time_limit;
        return with_time_limit<std::vector<Event>>(time_limit, "read event log " + query.channel,
                                                   [query, deadline]() -> Result<std::vector<Event>> {
                                                       const auto api = event_api();
                                                       if (!api) return api.error();
                                                       return read_events(*api, query, deadline);
                                                   });
    }
};

}  // namespace

std::unique_ptr<EventLog> make_event_log() {
    return std::make_unique<WindowsEventLog>();
}

}  // namespace machine::windows
