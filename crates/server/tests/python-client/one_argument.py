"""Two people with the unmodified Python client library, whose handlers take one argument each.

Usage: python one_argument.py <url> <conversation> <salon token> <client token> <transport>

Prints nothing when all is well; fails with the first thing that is not. A handler that is given one argument too
many raises, and what it would have noted is missed.
"""

import logging
import queue
import sys

import socketio

NAMESPACE = "/messaging"
WAIT_S = 20

url, conversation, salon_token, client_token, transport = sys.argv[1:]


class Person:
    """Somebody connected, and what they heard."""

    def __init__(self, token):
        self.heard = queue.Queue()
        self.client = socketio.Client(reconnection=False, logger=Raising())
        for event in ("conversation-history", "new-message", "user-joined", "error"):
            self.client.on(event, self.note(event), namespace=NAMESPACE)
        self.client.connect(
            url,
            auth={"token": token, "recovery": False},
            transports=[transport],
            namespaces=[NAMESPACE],
            wait_timeout=WAIT_S,
        )
        assert self.client.transport() == transport, self.client.transport()

    def note(self, event):
        def handler(data):
            self.heard.put((event, data))

        return handler

    def next(self, wanted):
        """The next event called `wanted`; others are passed over."""
        while True:
            event, data = self.heard.get(timeout=WAIT_S)
            if event == wanted:
                return data

    def ask(self, event, data):
        answer = self.client.call(event, data, namespace=NAMESPACE, timeout=WAIT_S)
        assert answer["ok"], answer
        return answer["data"]


class Raising(logging.Logger):
    """Takes notes of nothing, but of what the library says went wrong."""

    def __init__(self):
        super().__init__("client", logging.ERROR)
        self.addHandler(logging.StreamHandler())


salon, client = Person(salon_token), Person(client_token)
for person in (salon, client):
    person.ask("join-conversation", {"conversationId": conversation})
    assert person.next("conversation-history")["conversationId"] == conversation
    assert person.next("user-joined")["conversationId"] == conversation

sent = salon.ask("send-message", {"conversationId": conversation, "content": "Bonjour"})
for person in (salon, client):
    message = person.next("new-message")
    assert (message["id"], message["content"]) == (sent["id"], "Bonjour"), message

client.client.emit("send-message", {"conversationId": "nowhere", "content": "x"}, namespace=NAMESPACE)
assert client.next("error")["code"] == "conversation_not_found"

for person in (salon, client):
    person.client.disconnect()
