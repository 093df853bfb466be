#include "remediations/knowledge/snapshot/vss_writer_services.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"

namespace remediations {

namespace {

using enum WriterService;

// No table of Microsoft's tells which service restarts which writer; this one is drawn from the writers' own articles.
constexpr WriterOwner owners[] = {
    {"{be000cbe-11fe-4426-9c58-531aa6355fc4}", "ASR Writer", "VSS", safe},
    {"{542da469-d3e1-473c-9f4f-7847f01fc64f}", "COM+ REGDB Writer", "VSS", safe},
    {"{afbab4a2-367d-4d15-a586-71dbb18f8485}", "Registry Writer", "VSS", safe},
    {"{4dc3bdd4-ab48-4d07-adb0-3bee2926fd7f}", "Shadow Copy Optimization Writer", "VSS", safe},
    {"{e8132975-6f93-4464-a53e-1050253ae220}", "System Writer", "CryptSvc", safe},
    {"{a6ad56c2-b509-4e6c-bb19-49d8f43532f0}", "WMI Writer", "Winmgmt", brief},
    {"{4969d978-be47-48b0-b100-f328f07ac1e0}", "BITS Writer", "BITS", safe},
    {"{d61d61c8-d73a-4eee-8cdd-f6f9786b7124}", "Task Scheduler Writer", "VSS", safe},
    {"{75dfb225-e2e4-4d39-9ac9-ffaff65ddf06}", "VSS Metadata Store Writer", "VSS", safe},
    {"{0bada1de-01a9-4625-8278-69e735f39dd2}", "Performance Counters Writer", "VSS", safe},
    {"{cd3f2362-8bef-46c7-9181-d62844cdc0b2}", "MSSearch Service Writer", "WSearch", safe},
    {"{35e81631-13e1-48db-97fc-d5bc721bb18a}", "NPS VSS Writer", "EventSystem", brief},
    {"{12ce4370-5bb7-4c58-a76a-e5d5097e3674}", "FSRM Writer", "srmsvc", brief},
    {"{2a40fd15-dfca-4aa8-a654-1f8c654603f6}", "IIS Config Writer", "AppHostSvc", brief},
    {"{59b1f0cf-90ef-465f-9609-6ca8b2938366}", "IIS Metabase Writer", "IISADMIN", workload},
    {sql_writer_id, "SqlServerWriter", "SQLWriter", brief},
    {"{f8544ac1-0611-4fa5-b04b-f7ee00b03277}", "MSDEWriter", "", workload},
    {"{8d5194e1-e455-434a-b2e5-51296cce67df}", "WIDWriter", "WIDWriter", brief},
    {"{b2014c9e-8711-4c5c-a5a9-3cf384484757}", "NTDS", "NTDS", workload},
    {"{dd846aaa-a1b6-42a8-aaf8-03dcb6114bfd}", "ADAM Writer", "", workload},
    {"{772c45f8-ae01-4f94-940c-94961864acad}", "ADFS VSS Writer", "adfssrv", workload},
    {"{886c43b1-d455-4428-a37f-4d6b9e43f50f}", "AD RMS Writer", "", workload},
    {"{6f5b15b5-da24-4d88-b737-63063e3a1f86}", "Certificate Authority", "CertSvc", workload},
    {"{2707761b-2324-473d-88eb-eb007a359533}", "DFS Replication service writer", "DFSR", workload},
    {"{d76f5a28-3092-4589-ba48-2958fb88ce29}", "FRS Writer", "NtFrs", workload},
    {"{be9ac81e-3619-421f-920f-4c6fea9e93ad}", "Dhcp Jet Writer", "DHCPServer", workload},
    {"{f08c1483-8407-4a26-8c26-6c267a629741}", "WINS Jet Writer", "WINS", workload},
    {"{76fe1ac4-15f7-4bcd-987e-8e1acb462fb7}", "Microsoft Exchange Writer", "MSExchangeRepl", workload},
    {"", "Exchange Replica Writer", "MSExchangeRepl", workload},
    {"{66841cd4-6ded-4f4b-8f17-fd23f8ddc3de}", "Microsoft Hyper-V VSS Writer", "vmms", brief},
    {"{1072ae1c-e5a7-4ea1-9e4a-6f7964656570}", "Cluster Shared Volume VSS Writer", "ClusSvc", workload},
    {"{41e12264-35d8-479b-8e5c-9b23d1dad37e}", "Cluster Database", "ClusSvc", workload},
    {"{41db4dbf-6046-470e-8ad5-d5081dfb1b70}", "Dedup Writer", "ddpvssvc", brief},
    {"{7e47b561-971a-46e6-96b9-696eeaa53b2a}", "Message Queuing Writer", "MSMQ", workload},
    {"{368753ec-572e-4fc7-b4b9-ccd9bdc624cb}", "TS Gateway Writer", "TSGateway", workload},
    {"{5382579c-98df-47a7-ac6c-98a6d7106e09}", "TermServLicensing", "TermServLicensing", brief},
    {"{d46bf321-fdba-4a35-8ec3-454df03bc86a}", "Sync Share Service Writer", "SyncShareSvc", workload},
    {"{82cb5521-68db-4626-83a4-7fc6f88853e9}", "WDS VSS Writer", "WDSServer", brief},
    {"", "SharePoint Services Writer", "SPWriter", brief},
    {"", "SMS Writer", "SMS_SITE_VSS_WRITER", brief},
    {"", "Windows Server Storage VSS Writer", "WseStorageSvc",
     brief},  // As one article misprints the class of the search service's writer.
    {"{cd3f2362-8bef-46c7-9181-d62844cdc062}", "MSSearch Service Writer", "WSearch", safe},
};

}  // namespace

std::vector<const WriterOwner*> writers_of_data() {
    constexpr std::string_view services[] = {"SQLWriter", "MSExchangeRepl", "NTDS",  "vmms",   "DHCPServer",
                                             "WINS",      "DFSR",           "NtFrs", "CertSvc"};
    std::vector<const WriterOwner*> found;
    for (const auto& owner : owners) {
        if (!owner.id.empty() && std::ranges::find(services, owner.service) != std::end(services)) {
            found.push_back(&owner);
        }
    }
    return found;
}

const WriterOwner* owner_of_writer(std::string_view id, std::string_view name) {
    const auto by_id = std::ranges::find_if(
        owners, [&](const auto& owner) { return !owner.id.empty() && boost::iequals(owner.id, id); });
    if (by_id != std::end(owners)) return by_id;
    const auto by_name = std::ranges::find_if(
        owners, [&](const auto& owner) { return owner.id.empty() && boost::iequals(owner.writer, name); });
    return by_name == std::end(owners) ? nullptr : by_name;
}

EventPattern refusals_of_writers() {
    return {"Application", "VSS", {8229}};
}

const machine::Event* newest_refusal(const machine::Machine& machine, std::string_view class_id) {
    return newest_current(machine, refusals_of_writers(), [&](const auto& event) {
        const auto named = guids_in(text_of(event));
        return std::ranges::find(named, class_id) != named.end();
    });
}

}  // namespace remediations
