multiIf(
    match(name, 'tool[._]definitions|[._]tools|^tools|functions'), 'tools',
    match(name, 'system|instructions'), 'system',
    match(name, 'output|completion|response|choice|call[._]result|assistant'), 'output',
    'input')
