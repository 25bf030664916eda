if(EventName = '', LogAttributes['event.name'], EventName) IN (
    'gen_ai.client.inference.operation.details', 'gen_ai.system.message', 'gen_ai.user.message', 'gen_ai.assistant.message',
    'gen_ai.tool.message', 'gen_ai.choice')
