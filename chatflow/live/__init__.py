"""Live delivery: services publish events, and every process passes them to its sockets.

This package knows nothing of the domain. Events are hints and the database is the truth: a client
that missed an event finds the change by asking for `changes`. Therefore events are
neither stored nor acknowledged. The package promises:

* A process has one subscription per topic, and builds a frame once for all sockets of an encoding.
* A socket receives the events of a conversation in `version` order; a lost one leaves a gap that
  the client can see.
* A member who is removed by version n receives nothing from version n on.
* A member receives no message, and no quote of a message, that is older than their view.
* Events that are lost without leaving a gap are noticed within a minute, and clients are told.

Read the modules in this order: `events` (what is published), `publishing` (services call it),
`hub` (the sockets of this process), `topics` (ordering and delivery in one topic) and `sockets`
(the consumer that `messaging.sockets` builds on).
"""
