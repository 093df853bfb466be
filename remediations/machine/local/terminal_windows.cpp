#include <windows.h>

#include "remediations/machine/local/terminal.hpp"

namespace machine::local {
namespace {

HANDLE handle(Stream stream) {
    return GetStdHandle(stream == Stream::out ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);
}

}  // namespace

bool is_terminal(Stream stream) {
    DWORD mode = 0;
    return GetConsoleMode(handle(stream), &mode) != 0;
}

unsigned terminal_width(Stream stream) {
    CONSOLE_SCREEN_BUFFER_INFO info{};
    if (GetConsoleScreenBufferInfo(handle(stream), &info) == 0) return 0;
    return static_cast<unsigned>(info.srWindow.Right - info.srWindow.Left + 1);
}

bool prepare_terminal(Stream stream) {
    DWORD mode = 0;
    if (GetConsoleMode(handle(stream), &mode) == 0) return false;
    SetConsoleOutputCP(CP_UTF8);
    // Servers before Windows 10 refuse this mode: no colour there.
    return SetConsoleMode(handle(stream), mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

unsigned terminal_height(Stream stream) {
    CONSOLE_SCREEN_BUFFER_INFO info{};
    if (GetConsoleScreenBufferInfo(handle(stream), &info) == 0) return 0;
    return static_cast<unsigned>(info.srWindow.Bottom - info.srWindow.Top + 1);
}

bool terminal_shows_utf8() {
    return true;  // prepare_terminal() has it do so
}

bool window_closes_with_us() {
    DWORD processes[2] = {};
    return is_terminal(Stream::out) && GetConsoleProcessList(processes, 2) == 1;
}

}  // namespace machine::local
