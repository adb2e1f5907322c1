// What a back end sends, checked and made ready to be kept.
//
// Pure. Wire: docs/wire/c2d.md.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "domain/message.h"
#include "storage/mailbox_store.h"

namespace selvage::cloud::c2d {

// `otherwise`: when it expires unless it says so itself. What only hubs set is dropped, `to` becomes the device's own.
// Errors: invalid_argument (names the property), message_too_large.
Result<storage::Mail> make_mail(domain::Message message, const std::string& device_id, UtcTime now, UtcTime otherwise,
                                std::size_t bytes_max);

// As the device gets it: with sequence number, times and delivery count. Errors: corrupt.
Result<domain::Message> read_mail(const storage::Mail& mail);

}  // namespace selvage::cloud::c2d
