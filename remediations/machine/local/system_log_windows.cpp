#include "remediations/machine/local/system_log.hpp"

#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::local {

void tell_system(std::string_view line) {
    const auto text = windows::to_wide(line);
    if (!text) return;
    // A source that is not registered writes to Application; its text is shown all the same.
    const windows::UniqueHandle<HANDLE, &DeregisterEventSource> source(
        RegisterEventSourceW(nullptr, L"backup-remediation"));
    if (!source) return;
    const wchar_t* texts[] = {text->c_str()};
    constexpr DWORD event_id = 1;
    ReportEventW(source.get(), EVENTLOG_WARNING_TYPE, 0, event_id, nullptr, 1, 0, texts, nullptr);
}

}  // namespace machine::local
