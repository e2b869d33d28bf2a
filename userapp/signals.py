"""What features tell each other; a receiver gets the application as sender and the named values.

`registering(uname)`     before an account is made; a receiver may raise an AppError to refuse it
`registered(user_id)`    an account was made and committed
`signed_in(user_id)`     a credential was issued and committed
`credentials_ended(user_id)`   everything an account was signed in with has ended
`address_changed(user_id, old, new)`   the account's e-mail address moved
`exporting(user_id)`     somebody asks for their data; a feature returns what it holds by name: files as bytes, the rest
`account_removed(user_id)`     an account was deleted; features drop what they hold of it
`serving()`              a process of the server answered its first request: what one that was killed left is mended
`purging()`              what has expired is taken away; features do what is due and may return how many of what
"""

from blinker import Namespace

_names = Namespace()
registering = _names.signal("registering")
registered = _names.signal("registered")
signed_in = _names.signal("signed-in")
credentials_ended = _names.signal("credentials-ended")
address_changed = _names.signal("address-changed")
account_removed = _names.signal("account-removed")
exporting = _names.signal("exporting")
serving = _names.signal("serving")
purging = _names.signal("purging")
