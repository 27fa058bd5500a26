// Maps the names of commands to functions that read their arguments.
#include "binding/command_reader.h"

#include <iterator>
#include <variant>

namespace mptcp::binding {
namespace {

using Read = pm::Command (*)(const Argument&, InterfaceScopes&);

Address read_socket_address(const Argument& argument, InterfaceScopes& scopes) {
  return read_address(argument["address"], argument["port"].integer<uint16_t>(), scopes);
}

uint32_t read_token(const Argument& argument) { return argument["token"].integer<uint32_t>(); }

struct Reader {
  const char* command;
  Read read;
};

constexpr Reader kReaders[] = {
    {"addEndpoint",
     [](const Argument& command, InterfaceScopes& scopes) -> pm::Command {
       return pm::AddEndpoint{read_endpoint(command["endpoint"], scopes)};
     }},
    {"deleteEndpoint",
     [](const Argument& command, InterfaceScopes& scopes) -> pm::Command {
       return pm::DeleteEndpoint{
           command["id"].integer<uint8_t>(),
           read_optional_address(command["address"], scopes).value_or(Address{})};
     }},
    {"getEndpoint",
     [](const Argument& command, InterfaceScopes&) -> pm::Command {
       return pm::GetEndpoint{command["id"].integer<uint8_t>(),
                              command["token"].optional_integer<uint32_t>()};
     }},
    {"flushEndpoints",
     [](const Argument&, InterfaceScopes&) -> pm::Command { return pm::FlushEndpoints{}; }},
    {"setEndpointFlags",
     [](const Argument& command, InterfaceScopes& scopes) -> pm::Command {
       const uint16_t port = command["port"].optional_integer<uint16_t>().value_or(0);
       return pm::SetEndpointFlags{
           command["id"].integer<uint8_t>(),
           read_optional_address(command["address"], scopes, port).value_or(Address{}),
           command["flags"].integer<uint32_t>()};
     }},
    {"setLimits",
     [](const Argument& command, InterfaceScopes&) -> pm::Command {
       return pm::SetLimits{command["subflows"].optional_integer<uint32_t>(),
                            command["addAddrAccepted"].optional_integer<uint32_t>()};
     }},
    {"getLimits", [](const Argument&, InterfaceScopes&) -> pm::Command { return pm::GetLimits{}; }},
    {"announce",
     [](const Argument& command, InterfaceScopes& scopes) -> pm::Command {
       return pm::Announce{read_token(command), read_endpoint(command["endpoint"], scopes)};
     }},
    {"remove",
     [](const Argument& command, InterfaceScopes&) -> pm::Command {
       return pm::Remove{read_token(command), command["localId"].integer<uint8_t>()};
     }},
    {"createSubflow",
     [](const Argument& command, InterfaceScopes& scopes) -> pm::Command {
       return pm::CreateSubflow{read_token(command), read_endpoint(command["local"], scopes),
                                read_socket_address(command["remote"], scopes)};
     }},
    {"destroySubflow",
     [](const Argument& command, InterfaceScopes& scopes) -> pm::Command {
       return pm::DestroySubflow{read_token(command), read_socket_address(command["local"], scopes),
                                 read_socket_address(command["remote"], scopes)};
     }},
    {"setSubflowFlags",
     [](const Argument& command, InterfaceScopes& scopes) -> pm::Command {
       return pm::SetSubflowFlags{
           read_token(command), read_socket_address(command["local"], scopes),
           read_socket_address(command["remote"], scopes), command["flags"].integer<uint32_t>()};
     }},
};
static_assert(std::size(kReaders) == std::variant_size_v<pm::Command>);

}  // namespace

Address read_address(const Argument& argument, uint16_t port, InterfaceScopes& scopes) {
  const auto address = scopes.parse(argument.text(), port);
  if (!address) throw argument.type_error("an IPv4 or IPv6 address");
  return *address;
}

std::optional<Address> read_optional_address(const Argument& argument, InterfaceScopes& scopes,
                                             uint16_t port) {
  return argument.absent() ? std::nullopt : std::optional(read_address(argument, port, scopes));
}

pm::Endpoint read_endpoint(const Argument& argument, InterfaceScopes& scopes) {
  return {.address = read_socket_address(argument, scopes),
          .id = argument["id"].integer<uint8_t>(),
          .flags = argument["flags"].integer<uint32_t>(),
          .interface = argument["interface"].integer<int32_t>()};
}

pm::Command read_command(const Argument& argument, InterfaceScopes& scopes) {
  const std::string name = argument["command"].text();
  for (const Reader& reader : kReaders) {
    if (name == reader.command) return reader.read(argument, scopes);
  }
  throw argument["command"].type_error("a command of the path manager");
}

}  // namespace mptcp::binding
