#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace remediations {

/// Programs that write to the event logs of Windows. Each may use several names.
enum class EventSource : std::uint8_t {
    application_error,
    capi2,
    cluster,
    com_plus,
    dcom,
    disk,
    dot_net,
    event_system,
    exhaustion,
    installer,
    jet,
    kernel_power,
    msdtc,
    ntfs,
    schannel,
    service_manager,
    shutdown,
    sql_server,
    sql_vdi,
    sql_writer,
    volmgr,
    volsnap,
    vss,
    windows_backup,
};

struct EventRow {
    EventSource source = EventSource::vss;
    std::uint16_t id = 0;
    const char* meaning = "";
    const char* for_backup = "";
    const char* look_at = "";
};

/// Returns the rows sorted by source and id. From the published message tables of vsstrace.dll, volsnap.sys and others,
/// TechNet's event reference and Microsoft's support articles.
std::span<const EventRow> event_rows();

/// A name that a source uses in the event log; compared without case.
struct EventSourceName {
    std::string_view name;
    EventSource source = EventSource::vss;
};

/// Returns all names. The first name of each source is the one to show.
std::span<const EventSourceName> event_source_names();

}  // namespace remediations
