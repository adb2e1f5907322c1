// How Selvage reports failure: a value, with a typed code for the program and a sentence for a person.
//
// A function that can fail for a reason outside the program returns Result<T>. Broken promises between our own parts are
// SELVAGE_ASSERT. Exceptions stay inside third-party code; they are turned into an Error at the first line of ours.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace selvage {

// The domain's reasons to fail. Each protocol head has one table from these to its wire codes, and nothing else may name
// a status number. Closed list: a new reason needs a row in every head's table.
enum class Errc {
    invalid_argument,      // a value is outside what the operation takes; detail says which and what would be right
    malformed,             // bytes or text that do not parse
    unauthorized,          // not authenticated, or the token is bad or expired
    forbidden,             // authenticated, but has no right to this
    device_disabled,       // the identity exists and is disabled
    not_found,             // no such thing (device_not_found and module_not_found are told apart on the wire)
    device_not_found,
    module_not_found,
    already_exists,
    precondition_failed,   // If-Match or expected version differs
    message_too_large,
    quota_exceeded,        // a configured bound is reached: queue depth, disk, memory, connections
    throttled,             // come back later
    not_online,            // the device for a direct method is not connected or not listening
    bad_device_response,   // the device answered with something that cannot be passed on
    timeout,
    cancelled,             // the owner stopped the work; never logged as an error
    unavailable,           // the other side cannot be reached or is shutting down; retry
    connection_closed,     // the peer went away
    corrupt,               // stored data fails its checksum or format
    io_error,              // the operating system refused; detail has its words
    unsupported,
    internal,              // a bug of ours
};

// The stable, lower-case name of a code: "not_found". For logs and tests.
std::string_view name(Errc code);

// What went wrong. `detail` is for a person: what was wrong, where, and what to do; never a key, token or password.
struct [[nodiscard]] Error {
    Errc code = Errc::internal;
    std::string detail;

    // The same error with its subject in front: "device 'd1': " + detail. Add it once, where the subject is known.
    Error in(std::string_view subject) const;
};

template <class T = void>
using Result = std::expected<T, Error>;

// `return fail(Errc::not_found, "device 'd1' is not registered");`
inline std::unexpected<Error> fail(Errc code, std::string detail) {
    return std::unexpected(Error{code, std::move(detail)});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

// An Error from errno, with the words of the operating system: "open /x: Permission denied".
Error from_errno(std::string_view what, int error_number);

// Drops a result on purpose; `why` is for the reader.
template <class T>
void ignore(const Result<T>&, std::string_view /*why*/) {}

// Ends the process after logging: for promises that only a bug of ours can break. Always on.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace selvage

#define SELVAGE_ASSERT(expression) \
    ((expression) ? void(0) : ::selvage::assertion_failed(#expression, __FILE__, __LINE__))

// SELVAGE_TRY(auto twin, store.load(id));  declares `twin`, or returns the error from this function.
// SELVAGE_CHECK(store.save(id));           the same for Result<void>.
// The CO_ forms are for coroutines. They declare, so they cannot stand alone behind an `if`.
#define SELVAGE_CONCAT_(a, b) a##b
#define SELVAGE_CONCAT(a, b) SELVAGE_CONCAT_(a, b)
#define SELVAGE_TRY_(keyword, temporary, declaration, ...)                              \
    auto temporary = (__VA_ARGS__);                                                     \
    if (!temporary) keyword ::std::unexpected(::std::move(temporary).error());          \
    declaration = *::std::move(temporary)
#define SELVAGE_CHECK_(keyword, temporary, ...) \
    if (auto temporary = (__VA_ARGS__); !temporary) \
    keyword ::std::unexpected(::std::move(temporary).error())
#define SELVAGE_TRY(declaration, ...) \
    SELVAGE_TRY_(return, SELVAGE_CONCAT(try_result_, __LINE__), declaration, __VA_ARGS__)
#define SELVAGE_CO_TRY(declaration, ...) \
    SELVAGE_TRY_(co_return, SELVAGE_CONCAT(try_result_, __LINE__), declaration, __VA_ARGS__)
#define SELVAGE_CHECK(...) \
    SELVAGE_CHECK_(return, SELVAGE_CONCAT(try_result_, __LINE__), __VA_ARGS__)
#define SELVAGE_CO_CHECK(...) \
    SELVAGE_CHECK_(co_return, SELVAGE_CONCAT(try_result_, __LINE__), __VA_ARGS__)
