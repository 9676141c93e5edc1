"""Thirty planted bugs and twenty harmless changes of the menu app, one line each: `(name, right, wrong, word)`.

`word` is a text that a difference must have. The bugs in `MISSED` are not named. Each is run by `test_planted.py` against the recording of the app.
"""

# ruff: noqa: E501 - one line each

from typing import Final

ANSWER: Final = 'await self.ask("POST", "channels", channel, "answer")'
RING: Final = 'await self.ask("POST", "channels", caller.channel, "ring")'
UNRING: Final = 'await self.ask("DELETE", "channels", caller.channel, "ring")'
ASKED: Final = 'await self.ask("GET", "channels", channel, "variable", variable="CALLERID(num)")'
PROMPTED: Final = "caller.prompt = await self.play(caller, PROMPT)"
PLAY: Final = 'await self.ask("POST", "channels", caller.channel, "play", playback, media=media)'
STOP: Final = 'await self.ask("DELETE", "playbacks", playing)'
CHOSEN: Final = 'await self.ask("POST", "channels", caller.channel, "variable", variable="CHOSEN", value=chosen)'
BRIDGE: Final = 'bridge = await self.ask("POST", "bridges", type="mixing", name="menu")'
ADD: Final = (
    'await self.ask("POST", "bridges", caller.bridge, "addChannel", channel=f"{caller.channel},{caller.other}")'
)
DIAL: Final = 'await self.ask("POST", "channels", body=wanted)'
BYE: Final = 'await self.ask("DELETE", "channels", caller.channel, reason="normal")'
LEAVE: Final = 'await self.ask("DELETE", "channels", rest)'
DESTROY: Final = 'await self.ask("DELETE", "bridges", bridge)'
LATER: Final = "await asyncio.sleep(1.4)"

BUGS: Final = [
    # what is asked
    ("no answer", ANSWER, "pass", "- POST /channels/ID/answer"),
    ("wrong prompt", "sound:vm-enter-num-to-call", "sound:vm-password", "+ POST /channels/ID/play?media=sound:vm-password"),
    ("wrong goodbye", "sound:vm-goodbye", "sound:vm-nothing", "+ POST /channels/ID/play?media=sound:vm-nothing"),
    ("wrong sorry", "sound:vm-sorry", "sound:beep", "+ POST /channels/ID/play?media=sound:beep"),
    ("wrong number", '"1": "1002"', '"1": "1003"', "endpoint=PJSIP/1003"),
    ("wrong variable", 'variable="CALLERID(num)"', 'variable="CALLERID(name)"', "+ GET /channels/ID/variable?variable=CALLERID(name)"),
    ("wrong bridge type", 'type="mixing"', 'type="holding"', "type=holding"),
    ("wrong arguments", 'f"dialled,{caller.channel}"', '"dialled,nobody"', "appArgs=dialled,nobody"),
    ("no reason", ', reason="normal")', ")", "- DELETE /channels/ID?reason=normal"),
    ("ring for answer", ANSWER, ANSWER.replace('"answer"', '"ring"'), "+ POST /channels/ID/ring"),
    ("caller left out", 'f"{caller.channel},{caller.other}"', "caller.other", "addChannel?channel=ID"),
    ("bridge leaks", DESTROY, "pass", "- DELETE /bridges/"),
    ("channel leaks", LEAVE, "pass", "- DELETE /channels/"),
    ("bridge twice", BRIDGE, f"{BRIDGE}; {BRIDGE}", "+ POST /bridges"),
    ("playback goes on", STOP, "pass", "- DELETE /playbacks/"),
    ("keys ignored", 'if digit != "#":', "if True:", "- POST /channels/ID/variable?value="),
    ("keys kept", 'chosen, caller.digits = caller.digits, ""', "chosen = caller.digits", "value=79"),
    ("variable of the caller", '"CHANNEL(language)": "en"', '"CHANNEL(language)": "fr"', "fr"),
    ("crash at a key", "async def pressed(self, caller: Caller, digit: str) -> None:\n", "async def pressed(self, caller: Caller, digit: str) -> None:\n        raise ValueError\n", "exit code 1"),
    ("one caller for all", "caller = self.channels[channel] = Caller(channel)", "caller = self.channels[channel] = self.__dict__.setdefault('one', Caller(channel))", "- "),
    # time and order
    ("answer late", ANSWER, f"{LATER}; {ANSWER}", "too late"),
    ("prompt late", PROMPTED, f"{LATER}; {PROMPTED}", "too late"),
    ("ring late", RING, f"{LATER}; {RING}", "too late"),
    ("hangup late", LEAVE, f"{LATER}; {LEAVE}", "too late"),
    ("bridge late", BRIDGE, f"{LATER}; {BRIDGE}", "too late"),
    ("goodbye ends early", "caller.goodbye = await self.play(caller, GOODBYE)", f"caller.goodbye = await self.play(caller, GOODBYE); {BYE}; caller.goodbye = ''", "DELETE /channels/ID?reason=normal"),
    ("prompt before answer", f"{ANSWER}\n        {ASKED}\n        {PROMPTED}", f"{PROMPTED}\n        {ANSWER}\n        {ASKED}", "+ POST /channels/ID/play"),
    ("bridge before unring", f"{UNRING}\n        {BRIDGE}", f"{BRIDGE}\n        {UNRING}", "POST /bridges?name=menu"),
    ("variable after the prompt", f"{ASKED}\n        {PROMPTED}", f"{PROMPTED}\n        {ASKED}", "POST /channels/ID/play"),
    ("answer twice", ANSWER, f"{ANSWER}; {ANSWER}", "+ POST /channels/ID/answer"),
]  # fmt: skip

# It does not wait for the end of a prompt of 0.6 s, and so is early by less than --max-delay.
MISSED: Final = ("goodbye ends early",)

HARMLESS: Final = [
    ("ids without dashes", "playback = str(uuid.uuid4())", "playback = uuid.uuid4().hex"),
    ("an id that Asterisk chooses", PLAY, 'playback = (await self.ask("POST", "channels", caller.channel, "play", media=media))["id"]'),
    ("an id for the bridge", BRIDGE, BRIDGE.replace('type="mixing"', 'bridgeId=str(uuid.uuid4()), type="mixing"')),
    ("the id of the bridge in the path", BRIDGE, BRIDGE.replace('"bridges", type', '"bridges", str(uuid.uuid4()), type')),
    ("parameters in the body", PLAY, PLAY.replace("media=media", 'body={"media": media}')),
    ("parameters in another order", 'variable="CHOSEN", value=chosen', 'value=chosen, variable="CHOSEN"'),
    ("a parameter with its default value", "media=media", 'media=media, lang="en", skipms="3000"'),
    ("a parameter without a value", "media=media", 'media=media, lang=""'),
    ("a default value in a body", '"appArgs"', '"timeout": 30, "appArgs"'),
    ("two requests for two channels", ADD, '[await self.ask("POST", "bridges", caller.bridge, "addChannel", channel=c) for c in (caller.channel, caller.other)]'),
    ("channels in another order", 'f"{caller.channel},{caller.other}"', 'f"{caller.other},{caller.channel}"'),
    ("a query more", ANSWER, f'await self.ask("GET", "channels", channel); {ANSWER}'),
    ("queries for constant data", ANSWER, f'await self.ask("GET", "asterisk", "info"); await self.ask("GET", "sounds"); {ANSWER}'),
    ("a query that fails", ANSWER, f'await self.ask("GET", "channels", "nosuch"); {ANSWER}'),
    ("a task for each event", "await menu.handle(event)", "tasks.create_task(menu.handle(event))"),
    ("a slow database", ANSWER, f"await asyncio.sleep(0.2); {ANSWER}"),
    ("a late start", "        socket = Socket", "        await asyncio.sleep(1)\n        socket = Socket"),
    ("all events", '"app": app, ', '"app": app, "subscribeAll": "true", '),
    ("REST over the WebSocket", '"--websocket" in sys.argv', "True"),
    ("a connection for each request", "trust_env=False)", 'trust_env=False, headers={"Connection": "close"})'),
]  # fmt: skip
