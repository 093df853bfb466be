#include "remediations/machine/local/recurring_job.hpp"

#include <fmt/format.h>

#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"
#include "remediations/machine/xml_text.hpp"

#include <windows.h>

#include <oleauto.h>
#include <taskschd.h>

namespace machine::local {

using namespace machine::windows;

namespace {

template <class Interface>
using TaskPointer = UniqueHandle<Interface*, [](Interface* object) { object->Release(); }>;
using TaskText = UniqueHandle<BSTR, &SysFreeString>;

/// Converts a text that this program made.
TaskText task_text(std::string_view text) {
    const auto wide = to_wide(text);
    return TaskText(wide ? SysAllocString(wide->c_str()) : nullptr);
}

class TaskApartment {
public:
    TaskApartment() : result_(CoInitializeEx(nullptr, COINIT_MULTITHREADED)) {}
    ~TaskApartment() {
        if (SUCCEEDED(result_)) CoUninitialize();
    }
    TaskApartment(const TaskApartment&) = delete;
    TaskApartment& operator=(const TaskApartment&) = delete;

private:
    HRESULT result_;
};

VARIANT no_value() {
    VARIANT variant;
    VariantInit(&variant);
    return variant;
}

Error task_error(std::string_view doing, HRESULT result) {
    return Error::failed(fmt::format("the Task Scheduler: cannot {}: 0x{:08X}", doing, static_cast<unsigned>(result)),
                         static_cast<long>(result));
}

bool is_no_task(HRESULT result) {
    return result == HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND) || result == HRESULT_FROM_WIN32(ERROR_PATH_NOT_FOUND);
}

/// Returns the root folder, where an administrator looks first. The COM apartment must outlive it.
Result<TaskPointer<ITaskFolder>> task_folder() {
    TaskPointer<ITaskService> service;
    auto result = CoCreateInstance(CLSID_TaskScheduler, nullptr, CLSCTX_INPROC_SERVER, IID_ITaskService,
                                   reinterpret_cast<void**>(service.receive()));
    if (FAILED(result)) return task_error("be reached", result);
    result = service.get()->Connect(no_value(), no_value(), no_value(), no_value());
    if (FAILED(result)) return task_error("connect", result);
    TaskPointer<ITaskFolder> folder;
    result = service.get()->GetFolder(task_text("\\").get(), folder.receive());
    if (FAILED(result)) return task_error("open its folder", result);
    return folder;
}

/// S-1-5-18 is SYSTEM in every language. StartWhenAvailable: a run that was due while the computer was off is made
/// later.
std::string task_xml(const RecurringJob& job) {
    return fmt::format(
        R"(<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{}</Description></RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Repetition><Interval>PT{}H</Interval></Repetition>
      <StartBoundary>2026-01-01T00:00:00</StartBoundary>
      <RandomDelay>PT10M</RandomDelay>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT20M</ExecutionTimeLimit>
    <Priority>8</Priority>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author"><Exec><Command>"{}"</Command><Arguments>{}</Arguments></Exec></Actions>
</Task>
)",
        xml_escaped(job.description), job.every.count(), xml_escaped(to_utf8(job.program.native())),
        xml_escaped(job.argument));
}

}  // namespace

std::string_view to_string(JobBy by) {
    return by == JobBy::task_scheduler ? "the Task Scheduler" : "";
}

Result<JobBy> install_job(const RecurringJob& job) {
    const TaskApartment apartment;
    const auto folder = task_folder();
    if (!folder) return folder.error();
    TaskPointer<IRegisteredTask> task;
    const auto result =
        folder->get()->RegisterTask(task_text(job.name).get(), task_text(task_xml(job)).get(), TASK_CREATE_OR_UPDATE,
                                    no_value(), no_value(), TASK_LOGON_SERVICE_ACCOUNT, no_value(), task.receive());
    if (FAILED(result)) return task_error("register the task", result);
    return JobBy::task_scheduler;
}

Result<void> remove_job(const std::string& name) {
    const TaskApartment apartment;
    const auto folder = task_folder();
    if (!folder) return folder.error();
    const auto result = folder->get()->DeleteTask(task_text(name).get(), 0);
    if (FAILED(result) && !is_no_task(result)) return task_error("remove the task", result);
    return {};
}

}  // namespace machine::local
