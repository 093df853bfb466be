#include "remediations/machine/windows/event_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "remediations/machine/windows/event_query.hpp"
#include "remediations/machine/windows/file_time.hpp"
#include "remediations/machine/windows/security.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"

namespace machine::windows {

namespace {

/// Longer binary data in an event is left out.
constexpr std::size_t binary_limit = 1024;

class EventHandle {
public:
    EventHandle(const EventApi& api, EVT_HANDLE handle) : api_(&api), handle_(handle) {}
    EventHandle(EventHandle&& other) noexcept : api_(other.api_), handle_(std::exchange(other.handle_, nullptr)) {}
    EventHandle& operator=(EventHandle&&) = delete;
    ~EventHandle() {
        if (handle_) api_->close(handle_);
    }

    EVT_HANDLE get() const { return handle_; }
    explicit operator bool() const { return handle_ != nullptr; }

private:
    const EventApi* api_;
    EVT_HANDLE handle_;
};

/// Returns the error of a failed call. Wine leaves GetLastError() at success.
Error event_error(std::string_view action, const std::string& channel) {
    const auto code = GetLastError();
    if (code != ERROR_SUCCESS) return windows_error(code, action, "event log " + channel);
    return Error::failed(
        fmt::format("cannot {} event log {}: the event log service gave no answer and no reason", action, channel));
}

std::string hexadecimal(std::span<const BYTE> bytes) {
    std::string text;
    for (const auto byte : bytes.subspan(0, std::min(bytes.size(), binary_limit))) text += fmt::format("{:02X}", byte);
    return text;
}

std::string guid_text(const GUID& guid) {
    return fmt::format("{{{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}}}", guid.Data1,
                       guid.Data2, guid.Data3, guid.Data4[0], guid.Data4[1], guid.Data4[2], guid.Data4[3],
                       guid.Data4[4], guid.Data4[5], guid.Data4[6], guid.Data4[7]);
}

std::string utc_text(FILETIME time) {
    SYSTEMTIME utc{};
    FileTimeToSystemTime(&time, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.wYear, utc.wMonth, utc.wDay, utc.wHour, utc.wMinute,
                       utc.wSecond);
}

FILETIME file_time(ULONGLONG ticks) {
    return {static_cast<DWORD>(ticks), static_cast<DWORD>(ticks >> 32)};
}

/// Returns the value as in the event's XML; empty for null.
std::string text_of(const EVT_VARIANT& value) {
    switch (value.Type) {
        case EvtVarTypeString:
            return value.StringVal ? to_utf8(value.StringVal) : std::string();
        case EvtVarTypeAnsiString:
            return value.AnsiStringVal ? std::string(value.AnsiStringVal) : std::string();
        case EvtVarTypeSByte:
            return fmt::to_string(static_cast<int>(value.SByteVal));
        case EvtVarTypeByte:
            return fmt::to_string(static_cast<unsigned>(value.ByteVal));
        case EvtVarTypeInt16:
            return fmt::to_string(value.Int16Val);
        case EvtVarTypeUInt16:
            return fmt::to_string(value.UInt16Val);
        case EvtVarTypeInt32:
            return fmt::to_string(value.Int32Val);
        case EvtVarTypeUInt32:
            return fmt::to_string(value.UInt32Val);
        case EvtVarTypeInt64:
            return fmt::to_string(value.Int64Val);
        case EvtVarTypeUInt64:
            return fmt::to_string(value.UInt64Val);
        case EvtVarTypeSingle:
            return fmt::to_string(value.SingleVal);
        case EvtVarTypeDouble:
            return fmt::to_string(value.DoubleVal);
        case EvtVarTypeBoolean:
            return value.BooleanVal ? "true" : "false";
        case EvtVarTypeBinary:
            return value.BinaryVal ? hexadecimal({value.BinaryVal, value.Count}) : std::string();
        case EvtVarTypeGuid:
            return value.GuidVal ? guid_text(*value.GuidVal) : std::string();
        case EvtVarTypeSizeT:
            return fmt::to_string(value.SizeTVal);
        case EvtVarTypeFileTime:
            return utc_text(file_time(value.FileTimeVal));
        case EvtVarTypeSysTime: {
            FILETIME time{};
            return value.SysTimeVal && SystemTimeToFileTime(value.SysTimeVal, &time) ? utc_text(time) : std::string();
        }
        case EvtVarTypeSid:
            return value.SidVal ? sid_text(value.SidVal) : std::string();
        case EvtVarTypeHexInt32:
            return fmt::format("{:#x}", value.UInt32Val);
        case EvtVarTypeHexInt64:
            return fmt::format("{:#x}", value.UInt64Val);
        default:
            return {};
    }
}

/// The values of a render context. They point into `bytes`.
struct Rendered {
    std::vector<std::max_align_t> bytes;
    DWORD count = 0;

    std::span<const EVT_VARIANT> values() const { return {reinterpret_cast<const EVT_VARIANT*>(bytes.data()), count}; }
};

std::optional<Rendered> render(const EventApi& api, EVT_HANDLE context, EVT_HANDLE event) {
    Rendered rendered{std::vector<std::max_align_t>(64)};
    DWORD used = 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto size = static_cast<DWORD>(rendered.bytes.size() * sizeof(std::max_align_t));
        if (api.render(context, event, EvtRenderEventValues, size, rendered.bytes.data(), &used, &rendered.count)) {
            return rendered;
        }
        if (GetLastError() != ERROR_INSUFFICIENT_BUFFER) return std::nullopt;
        rendered.bytes.resize(used / sizeof(std::max_align_t) + 1);
    }
    return std::nullopt;
}

Event event_of(const std::string& channel, std::span<const EVT_VARIANT> system, std::span<const EVT_VARIANT> data) {
    Event event;
    event.channel = channel;
    event.provider = text_of(system[EvtSystemProviderName]);
    event.id = system[EvtSystemEventID].UInt16Val;
    event.time = to_time_point(file_time(system[EvtSystemTimeCreated].FileTimeVal));
    event.level = system[EvtSystemLevel].Type == EvtVarTypeNull ? std::uint8_t{0} : system[EvtSystemLevel].ByteVal;
    for (const auto& value : data) {
        if ((value.Type & EVT_VARIANT_TYPE_ARRAY) == 0) {
            event.data.push_back(text_of(value));
        } else if ((value.Type & EVT_VARIANT_TYPE_MASK) == EvtVarTypeString && value.StringArr) {
            for (DWORD index = 0; index < value.Count; ++index) {
                event.data.push_back(value.StringArr[index] ? to_utf8(value.StringArr[index]) : std::string());
            }
        } else {
            event.data.emplace_back();  // keeps the place of the others
        }
    }
    return event;
}

}  // namespace

Result<std::vector<Event>> read_events(const EventApi& api, const EventQuery& query,
                                       std::chrono::steady_clock::time_point deadline) {
    const auto& channel = query.channel;
    const auto xml = event_query_xml(query);
    if (!xml) return xml.error();
    const auto wide = to_wide_name(*xml);
    if (!wide) return wide.error();
    const auto create_context = [&](DWORD what) {
        return EventHandle(api, api.create_render_context(0, nullptr, what));
    };
    SetLastError(ERROR_SUCCESS);
    const EventHandle results(
        api, api.query(nullptr, nullptr, wide->c_str(), EvtQueryChannelPath | EvtQueryReverseDirection));
    if (!results) return event_error("query", channel);
    const auto system = create_context(EvtRenderContextSystem);
    const auto user = create_context(EvtRenderContextUser);
    if (!system || !user) return event_error("read", channel);

    std::vector<Event> events;
    while (events.size() < query.limit) {
        const auto left =
            std::chrono::floor<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        if (left <= 0) {
            return Error::timed_out("event log " + channel + " has not answered in time");
        }
        EVT_HANDLE next = nullptr;
        DWORD count = 0;
        SetLastError(ERROR_SUCCESS);
        if (!api.next(results.get(), 1, &next, static_cast<DWORD>(left), 0, &count)) {
            if (GetLastError() == ERROR_NO_MORE_ITEMS) break;
            return event_error("read", channel);
        }
        const EventHandle event(api, next);
        const auto properties = render(api, system.get(), event.get());
        if (!properties || properties->count <= EvtSystemTimeCreated) return event_error("read an event of", channel);
        const auto data = render(api, user.get(), event.get());
        if (!data) return event_error("read an event of", channel);
        events.push_back(event_of(channel, properties->values(), data->values()));
    }
    return events;
}

}  // namespace machine::windows
