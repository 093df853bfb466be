#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace http_codes {

constexpr auto again = "Back up again later; if it stays, open a support request with the time and the VM's name.";
constexpr auto channels =
    "curl -sS http://168.63.129.16/?comp=versions and :32526/versions as root, and storage on port 443.";
constexpr auto proxy =
    "Proxy settings of the agent and the system; 168.63.129.16 and 169.254.169.254 must never use one.";
constexpr auto metadata =
    "Service azure-proxy-agent where the Metadata Security Protocol is on; rules that redirect port 80.";
constexpr auto other_snapshot =
    "Other snapshots of the same disks at that time: another product, Site Recovery, a restore point.";
constexpr auto fresh_state = "Restart the guest agent, then az vm reapply; if it stays, redeploy the VM.";

constexpr ReasonRow rows[] = {
    {400, "Bad Request", "The server does not accept the request.",
     "The host: its idea of this VM changed (container, disks). Storage: a wrong signature or header.", fresh_state},
    {401, "Unauthorized", "The request carries no valid identity.", "A token or signature is missing or expired.",
     "The clock of the VM."},
    {402, "Payment Required", "The server wants to be paid."},
    {403, "Forbidden", "The server refuses the request.",
     "Storage: signature expired, wrong clock or a network rule. The host: the request is not signed or not from root.",
     metadata},
    {404, "Not Found", "What was asked for does not exist.",
     "The package or blob is not there (yet), or the goal state moved on.", fresh_state},
    {405, "Method Not Allowed", "The server does not allow this method.", "Something between answers instead.", proxy},
    {406, "Not Acceptable", "The server has no fitting answer."},
    {407, "Proxy Authentication Required", "A proxy wants a user name.",
     "Azure Backup and the agent support no proxy that asks for one.", proxy},
    {408, "Request Timeout", "The request took too long.", "A slow network.", channels},
    {409, "Conflict", "Another operation on the same thing runs.",
     "DoSnapshot: a snapshot of one of these disks is already in progress.", other_snapshot},
    {410, "Gone", "What was asked for is no longer there.",
     "The agent's goal state is outdated; it fetches a new one by itself.", fresh_state},
    {411, "Length Required", "The request has no length."},
    {412, "Precondition Failed", "The thing changed meanwhile.", "The blob is leased or was changed.", again},
    {413, "Content Too Large", "The request is too large."},
    {415, "Unsupported Media Type", "The server does not know the format."},
    {416, "Range Not Satisfiable", "The blob is shorter than asked for."},
    {421, "Misdirected Request", "The request went to the wrong server."},
    {423, "Locked", "The resource is locked."},
    {424, "Failed Dependency", "Something it depends on failed."},
    {426, "Upgrade Required", "The server wants another protocol."},
    {428, "Precondition Required", "The server wants a condition."},
    {429, "Too Many Requests", "There are too many requests.",
     "DoSnapshot: too many snapshots in a short time. Metadata: too many callers in this VM.", other_snapshot},
    {431, "Request Header Fields Too Large", "The request's headers are too large."},
    {500, "Internal Server Error", "The server failed.", "A fault of the platform: the VM has done its part.", again},
    {501, "Not Implemented", "The server does not know the request."},
    {502, "Bad Gateway", "A server between got no good answer.", "The host or a proxy between fails.", again},
    {503, "Service Unavailable", "The server is busy or being serviced.",
     "The host is being serviced, or storage is throttled; mostly it passes.", again},
    {504, "Gateway Timeout", "A server between got no answer in time.", "The host or a proxy between fails.", again},
    {505, "HTTP Version Not Supported", "The server does not know the version of HTTP."},
    {507, "Insufficient Storage", "The server has no room."},
    {511, "Network Authentication Required", "The network wants a login.", "A portal between answers instead.", proxy},
};

}  // namespace http_codes

std::span<const ReasonRow> http_rows() {
    return http_codes::rows;
}

}  // namespace remediations
