const text = (maxLength: number) => ({ type: 'string', maxLength });
const amount = { type: 'number', minimum: 0, maximum: 9999 };
const date = { type: 'string', format: 'date' };
const yesOrNo = { type: 'boolean' };
const whole = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });
const object = (properties: object) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** Fifteen fields with three free texts, which a model of noise fills to their ends. */
const receipt = object({
  shop_name: text(24),
  street_address: text(24),
  postal_code: { type: 'string', pattern: '^[0-9]{5}$' },
  purchase_date: date,
  purchase_time: { type: 'string', format: 'time' },
  receipt_number: text(12),
  payment_method: { enum: ['cash', 'card', 'voucher', 'transfer'] },
  currency_code: { enum: ['EUR', 'USD', 'GBP', 'CHF'] },
  net_amount: amount,
  value_added_tax: amount,
  total_amount: amount,
  amount_given: amount,
  change_returned: amount,
  customer_card: yesOrNo,
  items_bought: whole(1, 99),
});

/** What a pipeline sorts and files by: enums, booleans, dates and a list, no free text. */
const pipeline = object({
  document_type: { enum: ['receipt', 'invoice', 'delivery_note', 'bank_statement', 'contract', 'other'] },
  document_language: { enum: ['german', 'english', 'french', 'italian', 'spanish', 'other'] },
  issue_date: date,
  due_date: { anyOf: [date, { type: 'null' }] },
  currency_code: { enum: ['EUR', 'USD', 'GBP', 'CHF'] },
  is_paid: yesOrNo,
  is_handwritten: yesOrNo,
  has_signature: yesOrNo,
  vendor: object({
    country_code: { enum: ['DE', 'AT', 'CH', 'FR', 'IT', 'US'] },
    vat_number: { type: 'string', pattern: '^[A-Z]{2}[0-9]{9}$' },
    is_registered: yesOrNo,
  }),
  line_items: {
    type: 'array',
    minItems: 2,
    maxItems: 3,
    items: object({
      category: { enum: ['food', 'household', 'clothing', 'electronics', 'services', 'other'] },
      quantity: whole(1, 99),
      unit_price: amount,
      is_discounted: yesOrNo,
    }),
  },
  tax_rate: { enum: [0, 5, 7, 10, 19, 20] },
  total_amount: amount,
  scan_quality: { enum: ['good', 'acceptable', 'poor', 'unreadable'] },
  needs_review: yesOrNo,
});

export const formSchemas = { receipt, pipeline };
