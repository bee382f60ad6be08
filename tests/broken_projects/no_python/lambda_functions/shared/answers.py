def same(event):
    return event


return None
